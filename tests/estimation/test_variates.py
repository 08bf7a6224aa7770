"""The maps that critics look through: what they leave and what they take away."""

import numpy as np
import pytest
from scipy.special import ndtri

from jaxinfo.estimation.variates import (
    fit_canonical_variates,
    fit_independent_directions,
    fit_lift,
    fit_normal_scores,
)

RNG = np.random.default_rng(0)


def test_normal_scores_are_the_normal_quantiles_of_the_ranks():
    rows = np.array([[3.0], [1.0], [2.0], [2.0]])
    scores = fit_normal_scores(rows).apply(rows)
    expected = ndtri(np.array([4, 1, 2.5, 2.5]) / 5)
    np.testing.assert_allclose(scores[:, 0], expected)


def test_normal_scores_are_unchanged_by_increasing_maps_and_finite_far_out():
    rows, new = RNG.normal(size=(200, 3)), RNG.normal(size=(50, 3))
    scores = fit_normal_scores(rows).apply(new)
    np.testing.assert_array_equal(
        fit_normal_scores(np.exp(rows)).apply(np.exp(new)), scores
    )
    far = fit_normal_scores(rows).apply(np.array([[1e9, -1e9, 0.0]]))
    assert np.isfinite(far).all()
    assert far[0, 0] == pytest.approx(-far[0, 1])
    assert far[0, 0] >= scores.max()


def test_canonical_variates_correlate_pair_by_pair_only():
    x = RNG.normal(size=(500, 3)) @ RNG.normal(size=(3, 3))
    y = np.concatenate([x[:, :1] + RNG.normal(size=(500, 1)), x[:, 1:2] ** 2], axis=1)
    variates = fit_canonical_variates(x, y, ridge=0.0, whole=True)
    a, b = variates.apply(0, x), variates.apply(1, y)
    assert (a.shape[1], b.shape[1]) == (3, 2)
    np.testing.assert_allclose(np.cov(a, rowvar=False), np.eye(3), atol=1e-9)
    np.testing.assert_allclose(np.cov(b, rowvar=False), np.eye(2), atol=1e-9)
    across = a.T @ b / 499
    np.testing.assert_allclose(across[~np.eye(3, 2, dtype=bool)], 0, atol=1e-9)
    assert across[0, 0] > across[1, 1] >= 0


@pytest.mark.parametrize("size", [1, 2, 12])
def test_a_constant_coordinate_and_a_lift_stay_finite(size):
    rows = RNG.normal(size=(100, size))
    rows[:, -1] = 1.0
    lifted = fit_lift(rows, with_waves=True).apply(rows)
    assert lifted.shape[1] > size
    variates = fit_canonical_variates(lifted, lifted, ridge=1e-3)
    assert np.isfinite(variates.apply(0, lifted)).all()
    plain = fit_lift(rows, with_waves=False).apply(rows)
    np.testing.assert_array_equal(plain, rows)


def test_lifted_variates_undo_a_rotation_by_the_norm():
    x = RNG.normal(size=(4_000, 2))
    y = 0.8 * x + 0.6 * RNG.normal(size=(4_000, 2))
    angle = 0.5 * np.sum(y**2, axis=1)
    turned = np.stack(
        [
            np.cos(angle) * y[:, 0] - np.sin(angle) * y[:, 1],
            np.sin(angle) * y[:, 0] + np.cos(angle) * y[:, 1],
        ],
        axis=1,
    )

    def strongest(with_waves):
        lifts = [fit_lift(rows, with_waves=with_waves) for rows in (x, turned)]
        rows = [lift.apply(z) for lift, z in zip(lifts, (x, turned), strict=True)]
        variates = fit_canonical_variates(rows[0], rows[1], ridge=1e-6)
        pair = [variates.apply(side, rows[side])[:, 0] for side in (0, 1)]
        return np.corrcoef(pair[0], pair[1])[0, 1]

    # Undone, the correlation is 0.8; the linear map finds at most that of the mean.
    assert strongest(True) > 0.75 > strongest(False)


def test_independent_directions_undo_a_mixing_of_independent_coordinates():
    sources = RNG.uniform(-1, 1, size=(4_000, 3))
    mixed = sources @ np.array([[1.0, 0.5, 0.2], [0.0, 1.0, -0.4], [0.3, 0.0, 1.0]])
    found = mixed @ fit_independent_directions(mixed)
    np.testing.assert_allclose(np.cov(found, rowvar=False), np.eye(3), atol=1e-6)
    across = np.abs(np.corrcoef(found, sources, rowvar=False)[:3, 3:])
    assert across.max(axis=1).min() > 0.98
