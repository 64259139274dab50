"""The page: whole, self-contained, safe against its input, and saying what a reader must know."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from PIL import Image
from pyproj import CRS

from bradyseism.detection.detect import Detection, DetectionResult, VolcanoStatus, Window
from bradyseism.detection.places import Place, Sighting
from bradyseism.maps.velocity_map import Grid, Provenance, VelocityMap
from bradyseism.maps.volcanoes import Volcano
from bradyseism.review.report import write_report
from bradyseism.review.words import count, motion_in_words, position, signed, summary

HOSTILE = (
    "<script>alert('x')</script> & $x_ \"Co\" \u706b\u5c71"  # markup, mathematics, another script
)
SHAPE = (70, 90)
PIXEL = 500.0


def _ring(grid: Grid, half: float) -> tuple[tuple[float, float], ...]:
    """Closed square about the centre of a grid, `half` pixels to each side."""
    row, column = (length / 2 - 0.5 for length in grid.shape)
    corners = half * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)])
    longitude, latitude = grid.longitude_latitude(row + corners[:, 0], column + corners[:, 1])
    return tuple(zip(longitude.tolist(), latitude.tolist(), strict=True))


def _detection(grid: Grid, *, rank: int, volcano: Volcano | None) -> Detection:
    longitude, latitude = (
        float(v) for v in grid.longitude_latitude(20 + 15 * rank, 30 + 12 * rank)
    )
    around = Grid.around(longitude, latitude, (64, 64), pixel_size=200.0)
    return Detection(
        f"{HOSTILE}-{rank}",
        longitude,
        latitude,
        0.9 - 0.1 * rank,
        0.012 * (-1) ** rank,
        4e3,
        _ring(around, 20),
        Window(200.0, 64, 0.0, 0.0, _ring(around, 32)),
        np.eye(8),
        volcano,
        1.5e3,
    )


def _result(detections: int, *, look: tuple[float, float, float] | None = None) -> DetectionResult:
    generator = np.random.default_rng(5)
    transform = Affine(PIXEL, 0, 600e3, 0, -PIXEL, 7.5e6)
    grid = Grid(SHAPE, transform, CRS.from_epsg(32719))
    velocity = generator.normal(0, 2e-3, SHAPE).astype(np.float32)
    velocity[:, :9] = np.nan  # a tenth
    probability = generator.random(SHAPE).astype(np.float32)
    probability[np.isnan(velocity)] = np.nan
    volcanoes = tuple(
        Volcano(
            355000 + index,
            f"{HOSTILE} {index}",
            *map(float, grid.longitude_latitude(9, 30 + 9 * index)),
        )
        for index in range(4)
    )
    found = tuple(
        _detection(grid, rank=rank, volcano=volcanoes[0] if rank == 1 else None)
        for rank in range(1, detections + 1)
    )
    statuses = (
        VolcanoStatus(volcanoes[3], float("nan"), "not observable"),
        *(VolcanoStatus(volcano, 0.2, "quiet") for volcano in volcanoes[1:3]),
        VolcanoStatus(volcanoes[0], 0.8, "flagged" if detections else "quiet"),
    )
    velocity_map = VelocityMap(
        velocity,
        grid,
        4.25,
        look=None if look is None else np.asarray(look),
        name=HOSTILE,
        provenance=Provenance(f"{HOSTILE}.tif", "c0ffee" * 10 + "beef", "geotiff", (HOSTILE,)),
    )
    return DetectionResult(velocity_map, found, probability, np.zeros(0, dtype="V1"), statuses)


class _Page(HTMLParser):
    """Collects what the tests ask of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def _written(folder: Path, results: list[DetectionResult]) -> str:
    path = folder / "report.html"
    write_report(path, results, model="compact <1>", model_sha256="ab12" * 16, prior=0.05)
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    return _written(tmp_path_factory.mktemp("full"), [_result(2, look=(0.6, 0.0, 0.8))])


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> str:
    return _written(tmp_path_factory.mktemp("empty"), [_result(0)])


def test_page_asks_nothing_of_a_network(source: str) -> None:
    page = _Page(source)
    for _, attributes in page.tags:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            target = attributes.get(name)
            assert target is None or target.startswith(("data:image/png;base64,", "#"))
    style = source[source.index("<style>") : source.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    assert not {"script", "link", "iframe", "object", "form"} & {tag for tag, _ in page.tags}


def test_user_text_is_escaped(source: str) -> None:
    assert "<script" not in source
    assert "<1>" not in source
    page = _Page(source)
    # Name of the map, of a volcano, of the input and a note of the reader all arrive as text.
    assert page.text.count("<script>alert('x')</script>") >= 4
    assert any(HOSTILE in (image["alt"] or "") for image in page.all("img"))


def test_links_lead_to_sections_and_every_detection_has_one(source: str) -> None:
    page = _Page(source)
    anchors = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(anchors) == len(set(anchors))
    linked = {link["href"] for link in page.all("a")}
    assert {str(target)[1:] for target in linked} <= set(anchors)
    articles = [article["id"] for article in page.all("article")]
    assert articles == ["map-1-detection-1", "map-1-detection-2"]
    assert {f"#{article}" for article in articles} <= linked


def test_pictures_decode_and_have_words(source: str) -> None:
    images = _Page(source).all("img")
    assert len(images) == 2 + 2 * 5
    for image in images:
        assert image["alt"]
        content = base64.b64decode(str(image["src"]).partition("base64,")[2], validate=True)
        picture = Image.open(io.BytesIO(content))
        assert (str(picture.width), str(picture.height)) == (image["width"], image["height"])
        pixels = np.asarray(picture.convert("RGB"))
        # Paper at the left border and something drawn within: rows are not shifted or empty.
        assert (pixels[:, 0] > 250).all()
        assert (pixels[pixels.shape[0] // 4, 100:] < 250).any()


def test_page_states_what_a_reader_must_know(source: str) -> None:
    text = _Page(source).text
    for statement in (
        "2 places flagged, 2 volcanoes quiet, 1 not observable.",
        "Line-of-sight velocity in mm/yr, positive toward the satellite",
        "4.25 years",
        "90 \N{MULTIPLICATION SIGN} 70 of 500 m",
        "10 % of the pixels",
        "flagged above a probability of 0.5; 5 % of maps expected to deform",
        "ab12ab12ab12",
        "c0ffeec0ffee",
        "It is not an alert level",
        "one fringe is 27.7 mm (half the wavelength)",  # 12 mm/yr over 4.25 years: two fringes
    ):
        assert statement in text


def test_sign_of_a_rate_is_written_and_explained(source: str) -> None:
    text = _Page(source).text
    assert "\N{MINUS SIGN}12.0 mm/yr" in text
    assert "+12.0 mm/yr" in text
    assert "Moving away from the satellite: subsidence, or motion to the west." in text
    assert "Moving toward the satellite: uplift, or motion to the east." in text


def test_volcanoes_stand_flagged_first_with_their_state(source: str) -> None:
    rows = re.findall(r'class="state (flagged|quiet|not-observable)"', source)
    assert rows == ["flagged", "quiet", "quiet", "not-observable"]


def test_page_of_nothing_says_so_and_how_much_was_judged(empty: str) -> None:
    page = _Page(empty)
    assert "Nothing flagged, 3 volcanoes quiet, 1 not observable." in page.text
    assert "Nothing was detected on this map." in page.text
    assert "100 % of the pixels with data could be judged; 10 % of the map is missing" in page.text
    assert len(page.all("img")) == 2
    assert not page.all("article")


def test_map_without_any_data_still_has_a_page(tmp_path: Path) -> None:
    result = _result(0)
    blank = np.full(SHAPE, np.nan, dtype=np.float32)
    nothing = replace(
        result,
        map=replace(result.map.with_velocity(blank), provenance=None),
        probability=blank,
        volcanoes=(),
    )
    text = _Page(_written(tmp_path, [nothing])).text
    assert "Nothing could be judged" in text
    assert "0 % of the pixels with data could be judged; 100 % of the map is missing" in text


def test_several_maps_have_sections_of_their_own(tmp_path: Path) -> None:
    page = _Page(_written(tmp_path, [_result(1), _result(0)]))
    assert [s["id"] for s in page.all("section")] == ["map-1", "map-2", "guide"]
    assert {"#map-1", "#map-2"} <= {link["href"] for link in page.all("a")}
    assert "1 place flagged, 2 volcanoes quiet, 1 not observable." in page.text


def test_page_is_light(source: str) -> None:
    # 3 MB for ten detections on a map; noise, as here, packs worst.
    pictures = [len(str(image["src"])) for image in _Page(source).all("img")]
    assert sum(pictures[:2]) + 10 * max(sum(pictures[2:7]), sum(pictures[7:])) < 3e6


def test_missing_folder_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"the folder .* is missing"):
        write_report(tmp_path / "none" / "report.html", [_result(0)], model="m")


def test_no_result_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="results holds no map"):
        write_report(tmp_path / "report.html", [], model="m")


@pytest.mark.parametrize(
    ("rate", "look", "words"),
    [
        (0.01, (-0.6, 0.0, 0.8), "toward the satellite: uplift, or motion to the west"),
        (-0.01, (-0.6, 0.0, 0.8), "away from the satellite: subsidence, or motion to the east"),
        (0.01, (0.0, 0.0, 1.0), "toward the satellite: uplift"),
        (-0.01, (1.0, 0.0, 0.0), "away from the satellite: motion to the west"),
        (0.01, (0.4, 0.4, 0.82), "toward the satellite: uplift, or motion to the northeast"),
        (0.01, None, "toward the satellite: uplift, or horizontal motion toward it"),
    ],
)
def test_motion_in_words(rate: float, look: tuple[float, float, float] | None, words: str) -> None:
    assert motion_in_words(rate, None if look is None else np.array(look)) == words


@pytest.mark.parametrize(
    ("value", "text"), [(1.24, "+1.2"), (-1.26, "\N{MINUS SIGN}1.3"), (0.0, "0.0"), (-0.04, "0.0")]
)
def test_signed(value: float, text: str) -> None:
    assert signed(value) == text


@pytest.mark.parametrize(
    ("longitude", "latitude", "text"),
    [
        (14.14, 40.8264, "14.140° E, 40.826° N"),
        (-67.18, -22.27, "67.180° W, 22.270° S"),
        (190.0, 0.0, "170.000° W, 0.000° N"),
    ],
)
def test_position(longitude: float, latitude: float, text: str) -> None:
    assert position(longitude, latitude) == text


def test_summary_keeps_its_nouns() -> None:
    unseen = VolcanoStatus(Volcano(1, "A", 0.0, 0.0), float("nan"), "not observable")
    only_unseen = replace(_result(0), volcanoes=(unseen,))
    assert summary([only_unseen]) == "Nothing flagged, 1 volcano not observable."
    assert count(2, "volcano", "volcanoes") == "2 volcanoes"


def test_summary_counts_a_place_and_a_volcano_of_two_maps_once() -> None:
    volcano = Volcano(1, "A", 0.0, 0.0)
    first, second = (
        replace(_result(1), volcanoes=(VolcanoStatus(volcano, p, status),))
        for p, status in ((0.9, "flagged"), (0.1, "quiet"))
    )
    sightings = tuple(Sighting(one, one.detections[0], 0.9) for one in (first, second))
    place = Place(0.0, 0.0, sightings, 2, 0.9, None, None)
    assert summary([first, second], [place]) == "1 place flagged."
    assert summary([first, second]) == "2 places flagged."
