"""Quantiles: the very numbers of numpy, for every kind of array."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from bradyseism.physics.quantiles import quantile

SHARES = (0.0, 0.25, 0.5, 0.7321, 0.999, 1.0)


@pytest.mark.parametrize("size", [1, 2, 3, 17, 5000])
@pytest.mark.parametrize(
    "draw",
    [
        lambda rng, size: rng.normal(size=size),
        lambda rng, size: rng.integers(0, 3, size).astype(float),
        lambda rng, size: np.full(size, -2.5),
        lambda rng, size: rng.normal(size=size) ** 9,
        lambda rng, size: rng.normal(size=size) * 1e-310,
    ],
    ids=["normal", "ties", "one value", "heavy tails", "denormal"],
)
def test_is_that_of_numpy(draw, size):
    values = draw(np.random.default_rng(size), size)
    found = [quantile(values, share) for share in SHARES]
    assert_array_equal(found, np.quantile(values, SHARES))


def test_shape_order_and_precision_do_not_matter():
    values = np.random.default_rng(1).normal(size=(40, 50)).astype(np.float32)
    assert quantile(values[::2, ::-3], 0.3) == np.quantile(values[::2, ::-3].astype(float), 0.3)


@pytest.mark.parametrize(
    ("values", "share", "message"),
    [
        ([1.0, 2.0], 1.5, r"^share 1\.5 is outside 0-1"),
        ([1.0, np.nan], 0.5, r"^2 values from nan to nan: a quantile needs finite ones"),
        ([1.0, np.inf], 0.5, r"^2 values from 1 to inf: a quantile needs finite ones"),
        ([], 0.5, r"^0 values from inf to -inf: a quantile needs finite ones, at least 1"),
    ],
)
def test_refusals(values, share, message):
    with pytest.raises(ValueError, match=message):
        quantile(np.array(values), share)
