"""Linear maps of both variables, also of expanded coordinates."""

import numpy as np
import pytest

from jaxinfo.estimation.cross_fitted.config import CrossFittedConfig
from jaxinfo.estimation.cross_fitted.variates import (
    fit_canonical_variates,
    fit_expansion,
    fit_independent_rotation,
)

CONFIG = CrossFittedConfig()

RNG = np.random.default_rng(0)


def test_canonical_variates_correlate_pair_by_pair_only():
    x = RNG.normal(size=(500, 3)) @ RNG.normal(size=(3, 3))
    y = np.concatenate([x[:, :1] + RNG.normal(size=(500, 1)), x[:, 1:2] ** 2], axis=1)
    variates = fit_canonical_variates(x, y, ridge=0.0, is_square=True)
    a, b = variates.apply(0, x), variates.apply(1, y)
    assert (a.shape[1], b.shape[1]) == (3, 2)
    np.testing.assert_allclose(np.cov(a, rowvar=False), np.eye(3), atol=1e-9)
    np.testing.assert_allclose(np.cov(b, rowvar=False), np.eye(2), atol=1e-9)
    across = a.T @ b / 499
    np.testing.assert_allclose(across[~np.eye(3, 2, dtype=bool)], 0, atol=1e-9)
    assert across[0, 0] > across[1, 1] >= 0


@pytest.mark.parametrize("kind", ["fourier", "linear"])
@pytest.mark.parametrize("size", [1, 2, 12])
def test_a_constant_coordinate_and_an_expansion_stay_finite(size, kind):
    rows = RNG.normal(size=(100, size))
    rows[:, -1] = 1.0
    expanded = fit_expansion(rows, CONFIG, kind=kind).apply(rows)
    assert expanded.shape[1] > size
    variates = fit_canonical_variates(expanded, expanded, ridge=1e-3)
    # Both sides are the same rows, so their variates are the same, up to signs.
    left, right = (variates.apply(side, expanded) for side in (0, 1))
    np.testing.assert_allclose(np.abs(left), np.abs(right), atol=1e-6)
    if size > 1:  # Otherwise every coordinate is constant.
        assert left.var(axis=0, ddof=1).max() == pytest.approx(1, abs=0.01)
    else:
        np.testing.assert_allclose(left, 0, atol=1e-9)
    plain = fit_expansion(rows, CONFIG, kind="none").apply(rows)
    np.testing.assert_array_equal(plain, rows)


def test_expanded_variates_undo_a_rotation_by_the_norm():
    x = RNG.normal(size=(4_000, 2))
    y = 0.8 * x + 0.6 * RNG.normal(size=(4_000, 2))
    angle = 0.5 * np.sum(y**2, axis=1)
    rotated = np.stack(
        [
            np.cos(angle) * y[:, 0] - np.sin(angle) * y[:, 1],
            np.sin(angle) * y[:, 0] + np.cos(angle) * y[:, 1],
        ],
        axis=1,
    )

    def strongest(kind):
        rows = [
            fit_expansion(side, CONFIG, kind=kind).apply(side) for side in (x, rotated)
        ]
        variates = fit_canonical_variates(rows[0], rows[1], ridge=1e-6)
        pair = [variates.apply(side, rows[side])[:, 0] for side in (0, 1)]
        return np.corrcoef(pair[0], pair[1])[0, 1]

    # Undone, the correlation is 0.8; the linear map finds at most that of the mean.
    assert strongest("fourier") > 0.75 > strongest("none")
    # A product with the norm undoes it to first order.
    assert strongest("fourier") > strongest("linear") > strongest("none") + 0.05


def test_the_independent_rotation_undoes_a_mixing_of_independent_coordinates():
    sources = RNG.uniform(-1, 1, size=(4_000, 3))
    mixed = sources @ np.array([[1.0, 0.5, 0.2], [0.0, 1.0, -0.4], [0.3, 0.0, 1.0]])
    found = mixed @ fit_independent_rotation(mixed, 30)
    np.testing.assert_allclose(np.cov(found, rowvar=False), np.eye(3), atol=1e-6)
    across = np.abs(np.corrcoef(found, sources, rowvar=False)[:3, 3:])
    assert across.max(axis=1).min() > 0.98
