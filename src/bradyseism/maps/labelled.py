"""A velocity map as a labelled dataset of xarray, and back (needs xarray, in the extra `gis`).

The dataset follows CF and the rioxarray convention: pixel centres in `x` and `y`, the reference
system in `spatial_ref`, units as attributes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS

from bradyseism.maps.velocity_map import Grid, Provenance, VelocityMap

if TYPE_CHECKING:
    import xarray

COMPONENTS = ("east", "north", "up")
EVEN = 1e-6
"""Share of a pixel by which steps between coordinates may differ, beside their rounding."""


def to_xarray(velocity_map: VelocityMap) -> xarray.Dataset:
    """Return a map as a dataset.

    Parameters
    ----------
    velocity_map : VelocityMap
        Any grid.

    Returns
    -------
    xarray.Dataset
        `velocity` (y, x) in m/yr, positive toward the satellite, NaN missing; `look` (component) or
        (component, y, x) where it is known; `spatial_ref`. The time span is the attribute `years`.

    Raises
    ------
    ModuleNotFoundError
        Without xarray: pip install 'bradyseism[gis]'.

    Examples
    --------
    >>> from bradyseism import Grid, VelocityMap
    >>> grid = Grid.around(14.4, 40.8, (4, 6), pixel_size=90.0)
    >>> dataset = to_xarray(VelocityMap(np.zeros((4, 6), np.float32), grid, years=5.0))
    >>> dict(dataset.sizes), dataset.velocity.attrs["units"]
    ({'y': 4, 'x': 6}, 'm year-1')
    """
    import xarray

    grid = velocity_map.grid
    easting, northing = grid.eastings_northings()
    geographic = grid.crs.is_geographic
    axes = [
        {"standard_name": "longitude" if geographic else "projection_x_coordinate", "axis": "X"},
        {"standard_name": "latitude" if geographic else "projection_y_coordinate", "axis": "Y"},
    ]
    variables: dict[str, Any] = {
        "velocity": (
            ("y", "x"),
            velocity_map.velocity,
            {
                "units": "m year-1",
                "long_name": "line-of-sight velocity",
                "positive": "toward the satellite",
                "grid_mapping": "spatial_ref",
            },
        )
    }
    coordinates = {
        "x": ("x", easting, axes[0] | {"units": _unit(grid.crs)}),
        "y": ("y", northing, axes[1] | {"units": _unit(grid.crs)}),
        "spatial_ref": ((), 0, _reference(grid)),
    }
    look = velocity_map.look
    if look is not None:
        about = {"units": "1", "long_name": "unit vector from the ground to the satellite"}
        variables["look"] = (("component", "y", "x")[: look.ndim], look, about)
        coordinates["component"] = ("component", list(COMPONENTS), {})
    facts = {"years": velocity_map.years, "name": velocity_map.name, "Conventions": "CF-1.8"}
    return xarray.Dataset(variables, coordinates, facts)


def from_xarray(dataset: xarray.Dataset, *, years: float | None = None) -> VelocityMap:
    """Return the map that a dataset holds, such as one of `to_xarray`.

    Parameters
    ----------
    dataset : xarray.Dataset
        `velocity` (y, x) in m/yr or mm/yr, positive toward the satellite; evenly spaced pixel
        centres `x` and `y`, rows in either direction; `spatial_ref` with `crs_wkt`. `look` is
        optional.
    years : float, optional
        Time span, where the dataset has no attribute `years`.

    Returns
    -------
    VelocityMap

    Raises
    ------
    ValueError
        If the velocity, its unit, its sign, the coordinates, the reference system or the time span
        is missing or not as above.
    """
    if "velocity" not in dataset or set(dataset["velocity"].dims) != {"y", "x"}:
        raise ValueError(
            f"dataset with variables {sorted(map(str, dataset.data_vars))} has no velocity (y, x): "
            "rename the variable and its dimensions"
        )
    if dataset.indexes["y"].is_monotonic_increasing:
        dataset = dataset.isel(y=slice(None, None, -1))
    velocity = dataset["velocity"].transpose("y", "x")
    span = dataset.attrs.get("years", years)
    if span is None:
        raise ValueError("dataset has no attribute years: pass years=, the time span of the map")
    look = None
    if "look" in dataset:
        ordered = dataset["look"].sel(component=list(COMPONENTS))
        look = ordered.transpose("component", "y", "x", missing_dims="ignore").to_numpy()
    return VelocityMap(
        velocity.to_numpy() * np.float32(_metres(velocity.attrs)),
        _grid(dataset),
        years=float(span),
        look=look,
        name=str(dataset.attrs.get("name", "map")),
        provenance=Provenance("", "", "xarray"),
    )


def _unit(crs: CRS) -> str:
    return "degrees" if crs.is_geographic else "m"


def _reference(grid: Grid) -> dict[str, str]:
    """Attributes that name the reference system and the pixels, in the order of GDAL."""
    t = grid.transform
    numbers = (t.c, t.a, t.b, t.f, t.d, t.e)
    transform = " ".join(repr(float(number)) for number in numbers)
    return {"crs_wkt": grid.crs.to_wkt(), "GeoTransform": transform}


def _metres(attributes: dict[str, object]) -> float:
    """Factor to m/yr that the unit asks for."""
    factors = {"m year-1": 1.0, "m/yr": 1.0, "mm year-1": 1e-3, "mm/yr": 1e-3}
    unit = str(attributes.get("units", "nothing"))
    if unit not in factors:
        raise ValueError(f"velocity has units {unit!r}: set the attribute to one of {[*factors]}")
    sign = attributes.get("positive", "nothing")
    if sign != "toward the satellite":
        raise ValueError(
            f"velocity has the attribute positive {sign!r}: turn its sign where it counts away, "
            "and set it to 'toward the satellite'"
        )
    return factors[unit]


def _grid(dataset: xarray.Dataset) -> Grid:
    """Grid of the coordinates; of `spatial_ref` to the last digit, where it agrees with them."""
    reference = dataset.coords["spatial_ref"].attrs if "spatial_ref" in dataset.coords else {}
    if "crs_wkt" not in reference:
        raise ValueError("dataset has no spatial_ref with crs_wkt: write it with rioxarray")
    x, y = (np.asarray(dataset[name], dtype=np.float64) for name in ("x", "y"))
    width, height = _step("x", x), -_step("y", y)
    transform = Affine(width, 0.0, x[0] - width / 2, 0.0, -height, y[0] + height / 2)
    if "GeoTransform" in reference:
        c, a, b, f, d, e = (float(part) for part in str(reference["GeoTransform"]).split())
        exact = Affine(a, b, c, d, e, f)
        if exact.almost_equals(transform, precision=1e-3 * min(width, height)):
            transform = exact
    return Grid((y.size, x.size), transform, CRS.from_wkt(str(reference["crs_wkt"])))


def _step(name: str, centres: NDArray[np.float64]) -> float:
    if centres.size < 2:
        raise ValueError(f"coordinate {name} has {centres.size} pixels: a pixel size needs 2")
    steps = np.diff(centres)
    step = float(np.mean(steps))
    rounding = 8 * float(np.spacing(np.float32(np.abs(centres).max())))
    if np.abs(steps - step).max() > EVEN * abs(step) + rounding:
        raise ValueError(
            f"coordinate {name} has steps of {steps.min():g} to {steps.max():g}: bring the map to "
            "an even grid"
        )
    return step
