"""Everything that is drawn of a run folder of the paper's experiment, and what it says."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bradyseism.evaluation.claims import CLAIMS
from bradyseism.evaluation.published import PUBLISHED
from bradyseism.evaluation.scores import confusion, roc_auc
from bradyseism.maps.volcanoes import Volcano
from bradyseism.review.network_figure import approaches_figure
from bradyseism.review.reproduction import draw
from bradyseism.review.saving import save_figure
from bradyseism.review.set_figures import composition_figure, region_figure
from bradyseism.review.tables import Table
from bradyseism.samples.encoding import WrappedPatch
from bradyseism.samples.finetuning import FINETUNING_SETS
from bradyseism.samples.labelled import LabelledMap
from bradyseism.training.approaches import APPROACHES
from bradyseism.workflows.paper_exhibits import (
    Composition,
    composition,
    confusing_patterns,
    samples_of_sets,
    sets_of_run,
)
from bradyseism.workflows.paper_latent import latent_plane
from bradyseism.workflows.paper_results import (
    open_results,
    read_results,
)
from bradyseism.workflows.run_arrays import load_backgrounds, load_maps

FIGURES = (
    "figure-1-region",
    "figure-2-samples",
    "figure-3-constituents",
    "figure-4-approaches",
    "figure-5-roc-approaches-frames-half",
    "figure-6-roc-sets-frames-half",
    "sensitivity-frames-half",
    "sensitivity-injection-half",
    "grad-cam-FT1-last-half",
)
TABLES = ("table-1-approaches", "table-2-sets", "counts", "limits", "differences", "claims")


def columns_of(path: Path) -> dict[str, np.ndarray]:
    from pyarrow import parquet

    table = parquet.read_table(path)
    return {name: np.array(table.column(name).to_pylist()) for name in table.column_names}


def rewrite(path: Path, columns: dict[str, np.ndarray]) -> None:
    import pyarrow
    from pyarrow import parquet

    arrays = {name: pyarrow.array(values.tolist()) for name, values in columns.items()}
    parquet.write_table(pyarrow.table(arrays), path)


def csv_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_whole_run_is_drawn_and_reported(drawn_run: Path) -> None:
    names = {
        path.relative_to(drawn_run).as_posix()
        for folder in ("tables", "figures")
        for path in (drawn_run / folder).iterdir()
        if path.stat().st_size > 0
    }
    assert {f"figures/{name}.{kind}" for name in FIGURES for kind in ("png", "svg")} <= names
    for test in ("frames", "injection"):
        expected = {f"tables/{t}-{test}-half.{k}" for t in TABLES for k in ("md", "csv", "tex")}
        assert expected <= names
    text = (drawn_run / "report.md").read_text(encoding="utf-8")
    for part in ("| commit | 0123456789abcdef |", "| seed | 3 |", "| hardware | 2 cores, x86_64 |",
                 "| time of all stages | 2.5 min |", "synthetic: 1, FT1 last: 2",
                 "analogue frames (simulated)", '"pixel_size": 400.0'):  # fmt: skip
        assert part in text
    for claim in CLAIMS:
        assert claim.words in text
    for name in names:
        if name.endswith(".png"):
            assert f"({name})" in text


def test_page_finds_its_numbers_in_the_tables_of_the_whole_run(drawn_run: Path) -> None:
    (training,) = csv_rows(drawn_run / "tables/training.csv")
    assert training["patches"] == "32 px at 400 m"
    assert training["synthetic samples"] == "3,000"
    assert training["learning rate"] == "0.001, lowest loss of 2"
    assert (training["checks"], training["best validation loss"]) == ("3", "0.0321")
    # Of the second check: a later one was more accurate, but of a higher loss.
    assert (training["its accuracy, %"], training["training, min"]) == ("98.77", "2.0")
    frames, injection = csv_rows(drawn_run / "tables/tests.csv")
    maps = load_maps(drawn_run / "data/frames.npz")
    assert [frames[k] for k in ("maps", "places", "maps with deformation")] == [
        str(len(maps)), "9", str(sum(bool(len(one.peaks)) for one in maps)),
    ]  # fmt: skip
    counted = sum(int(frames[k]) for k in ("patches with deformation", "patches without"))
    assert counted == 25 * len(maps)
    assert frames["missing pixels, %"] == f"{100 * 6 / 64**2:.1f}"
    assert injection["missing pixels, %"] == "\N{EN DASH}"
    claims = csv_rows(drawn_run / "tables/claims.csv")
    for test in ("frames", "injection"):
        alone = csv_rows(drawn_run / f"tables/claims-{test}-half.csv")
        (column,) = (name for name in claims[0] if ("njection" in name or "injected" in name)
                     == (test == "injection") and "wrapped" in name)  # fmt: skip
        words = [row[column] for row in claims if row["claim of the paper"]]
        assert words == [row["verdict"] for row in alone if row["verdict"]]
        numbers = [row[column] for row in claims if row["number"]]
        assert numbers == [
            f"{row['here (95 % interval)']}; {row['seeds that agree']}" for row in alone
        ]
    report = (drawn_run / "report.md").read_text(encoding="utf-8")
    headings = [line for line in report.splitlines() if line.startswith("## ")]
    assert headings[:2] == ["## Claims", "## Training and test sets"]


def test_figure_is_the_same_bytes_when_drawn_again(tmp_path: Path) -> None:
    steps = {name: approach.steps for name, approach in APPROACHES.items()}
    once, again = (save_figure(approaches_figure(steps), tmp_path / name) for name in "ab")
    for first, second in zip(once, again, strict=True):
        assert first.read_bytes() == second.read_bytes()


def test_tables_say_what_the_predictions_say(drawn_run: Path) -> None:
    columns = columns_of(drawn_run / "predictions/half/inception_resnet_v2/frames.parquet")
    mine = (columns["model"] == "FT1 last2") & (columns["seed"] == 1)
    label, logit = columns["label"][mine], columns["logit"][mine]
    counts = confusion(label, columns["probability"][mine])
    rows = csv_rows(drawn_run / "tables/counts-frames-half.csv")
    (row,) = (r for r in rows if r["model"] == "FT1 [last2]" and r["seed"] == "1")
    assert [int(row[k]) for k in ("TP", "FP", "FN", "TN")] == [
        counts.true_positive, counts.false_positive, counts.false_negative, counts.true_negative,
    ]  # fmt: skip
    (paper,) = (r for r in rows if r["model"] == "FT1 [last2]" and r[""] == "paper")
    printed = [paper[k] for k in ("TP", "FP", "FN", "TN", "volcanoes")]
    assert printed == ["80", "51", "62", "582", "10/10"]
    seeds = [
        roc_auc(columns["label"][one], columns["logit"][one])
        for seed in (0, 1)
        for one in [(columns["model"] == "FT1 last2") & (columns["seed"] == seed)]
    ]
    rows = csv_rows(drawn_run / "tables/table-1-approaches-frames-half.csv")
    (row,) = (r for r in rows if r["model"] == "FT1 [last2]" and r[""] == "here")
    assert row["AUC ROC"].startswith(f"{100 * np.mean(seeds):.1f} (")
    assert row["AUC ROC"].endswith(f"± {100 * np.std(seeds, ddof=1):.1f}")
    assert roc_auc(label, logit) == seeds[1]


def test_results_hold_every_model_seed_and_filter(
    run_maker: Callable[..., Path], tmp_path: Path
) -> None:
    run = open_results(run_maker(tmp_path / "run", low_pass=(False, True), injections=0, places=6))
    results = read_results(run)
    assert [result.stem for result in results] == ["frames-half", "frames-half-low_pass"]
    for result in results:
        assert set(result.scores) == set(PUBLISHED)
        assert result.scores["synthetic"].seeds == (0,)
        assert result.scores["FT3 last"].seeds == (0, 1)
    columns = columns_of(run.folder / "predictions/half/inception_resnet_v2/frames.parquet")
    filtered = (columns["model"] == "FT4 last") & columns["low_pass"] & (columns["seed"] == 1)
    order = np.lexsort((columns["patch"][filtered], columns["frame"][filtered]))
    expected = columns["logit"][filtered][order]
    assert_array_equal(results[1].scores["FT4 last"].logit[1], expected)


def test_order_of_the_rows_does_not_matter_and_uncounted_ones_go(
    run_maker: Callable[..., Path], tmp_path: Path
) -> None:
    run = open_results(run_maker(tmp_path / "run", injections=0, places=6))
    (before,) = read_results(run)
    path = run.folder / "predictions/half/inception_resnet_v2/frames.parquet"
    columns = columns_of(path)
    shuffled = np.random.default_rng(0).permutation(len(columns["label"]))
    columns = {name: values[shuffled] for name, values in columns.items()}
    rewrite(path, columns)
    (after,) = read_results(run)
    assert_array_equal(after.scores["FT1 last"].logit, before.scores["FT1 last"].logit)
    columns["label"][columns["frame"] == "frame-01a"] = -1
    rewrite(path, columns)
    (counted,) = read_results(run)
    assert counted.scores["FT1 last"].label.size == before.scores["FT1 last"].label.size - 25
    assert "frame-01a" not in counted.scores["FT1 last"].frame


def test_what_is_not_there_is_skipped_with_its_reason(drawn_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    shutil.copy(drawn_run / "run.json", run)
    told: list[str] = []
    drawn = draw(run, progress=lambda done, total, name: told.append(f"{done}/{total} {name}"))
    assert told == ["0/5 maps and samples", "1/5 approaches", "2/5 Grad-CAM", "3/5 latent features",
                    "4/5 claims", "5/5 done"]  # fmt: skip
    reasons = dict(drawn.skipped)
    assert reasons["tables, ROC curves, claims"] == "the run has no predictions yet"
    assert "data/frames.npz is not there" in reasons.values()
    assert "no patch of the frames was flagged, or the run ended before it" in reasons.values()
    assert "the run has no stored features" in reasons.values()
    assert {path.stem for path in drawn.files} == {"figure-4-approaches"}
    for what, reason in drawn.skipped:
        assert f"- {what}: {reason}." in drawn.report.read_text(encoding="utf-8")


def test_networks_are_compared_by_network(run_maker: Callable[..., Path], tmp_path: Path) -> None:
    folder = run_maker(tmp_path / "run", injections=0, places=6, seeds=1)
    card = json.loads((folder / "run.json").read_text()) | {"kind": "networks"}
    (folder / "run.json").write_text(json.dumps(card))
    path = folder / "predictions/half/inception_resnet_v2/frames.parquet"
    columns = columns_of(path)
    for network, model in (("vgg16", "FT1 last"), ("inception_resnet_v2", "synthetic")):
        chosen = columns["model"] == model
        mine = {name: values[chosen] for name, values in columns.items()}
        mine["model"] = np.full(chosen.sum(), "synthetic")
        target = path.parent.parent / network
        target.mkdir(exist_ok=True)
        rewrite(target / "frames.parquet", mine)
    for name in ("data", "features", "attribution"):
        shutil.rmtree(folder / name)
    draw(folder)
    rows = csv_rows(folder / "tables/networks-frames-half.csv")
    assert [row["model"] for row in rows] == ["inception_resnet_v2", "vgg16"]


def test_bad_run_folders_are_refused(run_maker: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds no run.json"):
        draw(tmp_path)
    (tmp_path / "run.json").write_text('{"version": 99}')
    with pytest.raises(ValueError, match="of version 99, this program knows version 1"):
        draw(tmp_path)
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(ValueError, match="is no JSON"):
        draw(tmp_path)
    folder = run_maker(tmp_path / "run", injections=0, places=6)
    path = folder / "predictions/half/inception_resnet_v2/frames.parquet"
    whole = columns_of(path)
    rewrite(path, {name: values for name, values in whole.items() if name != "logit"})
    with pytest.raises(ValueError, match="lacks the columns logit"):
        draw(folder)
    lost = (whole["model"] == "FT1 last") & (whole["seed"] == 1) & (whole["patch"] == 3)
    rewrite(path, {name: values[~lost] for name, values in whole.items()})
    with pytest.raises(ValueError, match="not as many for each"):
        draw(folder)
    lost = (whole["model"] == "FT1 last") & (whole["patch"] == 3)
    rewrite(path, {name: values[~lost] for name, values in whole.items()})
    with pytest.raises(ValueError, match="judges other patches of frames-half than 'synthetic'"):
        draw(folder)
    other = dict(whole, label=whole["label"].copy())
    other["label"][(whole["seed"] == 1) & (whole["patch"] == 3)] = 0
    other["label"][(whole["seed"] == 1) & (whole["patch"] == 4)] = 1
    rewrite(path, other)
    with pytest.raises(ValueError, match="differs in column 'label' between its seeds"):
        draw(folder)


def test_table_has_three_forms() -> None:
    dash = "\N{EN DASH}"
    table = Table("Share & more, 5 %", ("model", "FPR"), (("a_b", "1 ± 2"), ("c|d", dash)))
    assert table.markdown().splitlines()[2:] == ["| a_b | 1 ± 2 |", rf"| c\|d | {dash} |"]
    assert table.csv() == f"model,FPR\na_b,1 ± 2\nc|d,{dash}\n"
    latex = table.latex()
    assert r"a\_b & 1 $\pm$ 2 \\" in latex
    assert r"c|d & -- \\" in latex
    assert r"\caption{Share \& more, 5 \%}" in latex
    with pytest.raises(ValueError, match="has 1 cells for 2 headings"):
        Table("", ("a", "b"), (("c",),))


def test_latex_minus_interval_and_width_of_columns() -> None:
    words, cell = "`-1&last1` is a claim of very many words", "-0.7 (-10.6 to 0.0) ± 3.1"
    lines = Table("λ/2", ("claim", "here"), ((words, cell),)).latex().splitlines()
    assert r"\caption{$\lambda$/2}" in lines
    row = r"\texttt{-1\&last1} is a claim of very many words"
    assert rf"{row} & $-$0.7 \mbox{{($-$10.6 to 0.0)}} $\pm$ 3.1 \\" in lines
    (begin,) = (line for line in lines if line.startswith(r"\begin{tabular}"))
    assert begin.index("raggedright") < begin.index("5.2cm") < begin.index("raggedleft")
    narrow = Table("", ("a", "b"), (("c", "1"),)).latex()
    assert r"\begin{tabular}{lr}" in narrow


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="no LaTeX here")
def test_latex_compiles_and_no_table_is_wider_than_its_line(
    drawn_run: Path, tmp_path: Path
) -> None:
    parts = [path.read_text(encoding="utf-8") for path in (drawn_run / "tables").glob("*.tex")]
    head = r"\documentclass{article}\usepackage{array,booktabs,graphicx}\begin{document}"
    text = "\n\\clearpage\n".join([head, *parts, r"\end{document}"])
    (tmp_path / "all.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert r"Overfull \hbox" not in done.stdout
    assert len(parts) >= 16


def labelled(displacement: np.ndarray, name: str, peaks: np.ndarray | None = None) -> LabelledMap:
    nowhere = np.zeros((0, 2))
    return LabelledMap(
        name, name, displacement.astype(np.float32), nowhere if peaks is None else peaks, nowhere,
        True, 0.0, 5.0, 0.0, 0.0,
    )  # fmt: skip


def test_patterns_are_the_compact_and_the_rough_one() -> None:
    """Of a bowl, a rough map and a flat one, each is found; volcanoes are left out."""
    rng = np.random.default_rng(0)
    rows, columns = np.indices((64, 64))
    flat = 1e-4 * rng.normal(size=(64, 64))
    bowl = flat - 0.03 * (np.hypot(rows - 32, columns - 32) < 9)
    rough = flat + 0.005 * rng.normal(size=(64, 64))
    loud = labelled(10 * (bowl + rough), "volcano", np.array([[32.0, 32.0]]))
    maps = [labelled(flat, "flat"), labelled(bowl, "bowl"), labelled(rough, "rough"), loud]
    found = confusing_patterns(maps, 400.0, 32, each=1)
    assert {kind: [one.name for one in parts] for kind, parts in found.items()} == {
        "compact": ["bowl"], "rough": ["rough"],
    }  # fmt: skip
    assert found["compact"][0].image.min() < -0.025


def test_sets_are_composed_as_the_paper_says(drawn_run: Path) -> None:
    backgrounds = load_backgrounds(drawn_run / "data/backgrounds.npz")
    encoding = WrappedPatch(size=32, pixel_size=400.0)
    whole, material = sets_of_run({"seed": 0}, backgrounds, encoding)
    made = composition(material)
    sums = {name: sum(counts.values()) for name, counts in made.counts.items()}
    assert sums == {"FT1": 12, "FT2": 24, "FT3": 24, "FT4": 48}
    assert set(made.counts) == set(FINETUNING_SETS)
    smooth, plain = (
        np.abs(np.diff(made.examples[n].image)).mean() for n in ("filtered", "background")
    )
    assert smooth < 0.5 * plain
    maps = load_maps(drawn_run / "data/frames.npz")
    shown = samples_of_sets(whole, material, maps, each=2)
    assert set(shown) == {"synthetic", "fine-tuning", "test"}
    for parts in shown.values():
        assert [one.label for one in parts] == [1, 1, 0, 0]


def test_figures_show_the_sets_as_the_run_was_set(drawn_run: Path) -> None:
    """Larger noise, filtered sums and another seed of the fine-tuning change what is shown."""
    backgrounds = load_backgrounds(drawn_run / "data/backgrounds.npz")
    encoding = WrappedPatch(size=32, pixel_size=400.0)
    plain = {"seed": 0, "seeds": [0], "noise_level": "peak", "filtered": "background"}

    def shown(**other: object) -> Composition:
        return composition(sets_of_run({**plain, **other}, backgrounds, encoding)[1])

    usual, loud, summed, second = (
        shown(), shown(noise_level="sill"), shown(filtered="sum"), shown(seeds=[1, 0])
    )  # fmt: skip
    spread = [np.abs(one.examples["noise"].image).mean() for one in (usual, loud)]
    assert spread[1] > 1.5 * spread[0]
    name = "hybrid_filtered"
    rough = [np.abs(np.diff(one.examples[name].image)).mean() for one in (usual, summed)]
    assert rough[1] < rough[0]
    assert not np.array_equal(usual.examples["noise"].image, second.examples["noise"].image)
    words = [text.get_text() for text in composition_figure(summed, 0.0277).texts]
    assert "background\n+ volcano,\nlow-pass" in words


def test_volcanoes_of_the_catalogue_stand_on_the_map() -> None:
    one = LabelledMap(
        "a", "a", np.zeros((64, 64), np.float32), np.zeros((0, 2)), np.zeros((0, 2)),
        True, 0.0, 5.0, -67.0, -22.0,
    )  # fmt: skip
    peak = Volcano(1, "Cerro", -67.2, -22.1)

    def drawn(*volcanoes: Volcano) -> tuple[list[tuple[float, float]], list[str]]:
        axes = region_figure([one], {}, 800.0, volcanoes).axes[0]
        triangles = [line for line in axes.lines if line.get_marker() == "^"]
        places = [(line.get_xdata()[0], line.get_ydata()[0]) for line in triangles
                  if len(line.get_xdata())]  # fmt: skip
        return places, [text.get_text() for text in axes.get_legend().get_texts()]

    places, words = drawn(peak)
    assert places == [(-67.2, -22.1)]
    assert words[-1] == "volcano"
    places, words = drawn()
    assert not places
    assert "volcano" not in words


def test_latent_plane_keeps_far_sets_apart_and_is_kept(drawn_run: Path, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    stored = tmp_path / "latent" / "plane.npz"
    plane = latent_plane(drawn_run / "features/half/inception_resnet_v2", stored)
    assert plane is not None
    noise, hybrid = (plane.place[plane.name == name] for name in ("noise", "hybrid"))
    apart = np.linalg.norm(noise.mean(axis=0) - hybrid.mean(axis=0))
    assert apart > 3 * max(noise.std(axis=0).max(), hybrid.std(axis=0).max())
    again = latent_plane(tmp_path / "nowhere", stored)
    assert again is not None
    assert_array_equal(again.place, plane.place)
    assert latent_plane(tmp_path, tmp_path / "other.npz") is None


def test_latent_plane_is_made_again_where_features_were_added(
    drawn_run: Path, tmp_path: Path
) -> None:
    pytest.importorskip("sklearn")
    features, stored = tmp_path / "features", tmp_path / "plane.npz"
    shutil.copytree(drawn_run / "features/half/inception_resnet_v2", features)
    (features / "frames.npz").rename(tmp_path / "frames.npz")
    before = latent_plane(features, stored)
    assert before is not None
    assert "frames" not in before.name
    (tmp_path / "frames.npz").rename(features / "frames.npz")
    after = latent_plane(features, stored)
    assert after is not None
    assert "frames" in after.name
    again = latent_plane(features, stored)
    assert again is not None
    assert_array_equal(again.place, after.place)


@pytest.mark.torch
def test_attribution_explains_the_most_probable_patches(
    run_maker: Callable[..., Path], tmp_path: Path
) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    from bradyseism.models.checkpoint import save
    from bradyseism.models.network import build
    from bradyseism.samples.encoding import encoding_card
    from bradyseism.workflows.paper_attribution import attribute

    folder = run_maker(tmp_path / "run", injections=0)
    shutil.rmtree(folder / "attribution")
    assert attribute(folder) == ()  # no weights yet
    encoding = WrappedPatch(size=32, pixel_size=400.0)
    model = build("compact", 1, seed=0).eval()
    weights = folder / "pretrain/half/compact"
    weights.mkdir(parents=True)
    save(weights / "model.safetensors", model, {"encoding": encoding_card(encoding)})
    tuned = build("compact", 1, seed=1).head
    head = folder / "finetune/half/FT1/last/seed-0"
    head.mkdir(parents=True)
    save_file(tuned.state_dict(), head / "head.safetensors")
    paths = attribute(folder)
    assert {path.stem for path in paths} == {"synthetic", "FT1-last"}
    with np.load(folder / "attribution/half/FT1-last.npz") as file:
        explained = {name: file[name] for name in file.files}
    columns = columns_of(folder / "predictions/half/inception_resnet_v2/frames.parquet")
    mine = (columns["model"] == "FT1 last") & (columns["seed"] == 0)
    for label in (1, 0):
        kind = mine & (columns["label"] == label)
        best = columns["frame"][kind][np.argmax(columns["logit"][kind])]
        assert explained["frame"][explained["label"] == label][0] == best
    with torch.inference_mode():
        model.head = tuned.eval()
        expected = model(torch.from_numpy(explained["image"][:, None])).logit.numpy()
    assert_allclose(explained["logit"], expected, atol=1e-5)
    assert explained["evidence"].shape[0] == len(explained["label"])
    assert attribute(folder) == paths
