"""The pointwise information as a value: jit, grad, vmap, pickle, files."""

import dataclasses
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.estimation import CrossFitted, TrainConfig, load_density_ratio
from jaxinfo.estimation.cross_fitted.base_densities import MixtureDensityRatio

KEY = jax.random.key(0)
X = np.random.default_rng(0).normal(size=(400, 2))
NOISE = np.random.default_rng(1).normal(size=(400, 3))
Y = np.concatenate([0.9 * X + 0.436 * NOISE[:, :2], NOISE[:, 2:]], axis=1)
SHORT = TrainConfig(num_steps=60, eval_every=20, batch_size=32)
ROWS = X[:20], Y[:20]


# Few maps, because each has to be compiled.
ESTIMATOR = CrossFitted(
    num_folds=2, expansions=(("clipped", "fourier"),), num_rotated=0, train=SHORT
)


@pytest.fixture(scope="module")
def ratio():
    return ESTIMATOR(KEY, X, Y).density_ratio


def test_pointwise_information_of_new_rows(ratio):
    values = ratio(*ROWS)
    assert values.shape == (20,)
    np.testing.assert_array_equal(ratio.log_ratio(*ROWS), values)
    assert values.mean() > ratio(X[:20], Y[20:40]).mean() + 1
    with pytest.raises(ValueError, match=r"y must have rows of shape \(3,\)"):
        ratio(X, X)
    with pytest.raises(ValueError, match="same number of rows"):
        ratio(X[:3], Y[:4])


@pytest.mark.slow
def test_it_can_be_traced_as_a_function_and_as_an_argument(ratio):
    values = ratio(*ROWS)
    np.testing.assert_allclose(jax.jit(ratio)(*ROWS), values, atol=1e-3)
    apply = jax.jit(lambda ratio, x, y: ratio(x, y))
    np.testing.assert_allclose(apply(ratio, *ROWS), values, atol=1e-3)
    by_row = jax.vmap(lambda x, y: ratio(x[None], y[None])[0])(*map(jnp.asarray, ROWS))
    np.testing.assert_allclose(by_row, values, atol=1e-3)


@pytest.mark.slow
def test_it_has_gradients_of_x_and_of_y(ratio):
    x, y = (jnp.asarray(rows[:1] + 0.003) for rows in ROWS)
    gradients = jax.grad(lambda x, y: ratio(x, y)[0], argnums=(0, 1))(x, y)
    for side, gradient in enumerate(gradients):
        assert np.isfinite(gradient).all()
        # Ranks have kinks at the data, so the step is small.
        values = []
        for step in (-1e-3, 1e-3):
            pair = [x, y]
            pair[side] = pair[side].at[0, 0].add(step)
            values.append(ratio(*pair)[0])
        difference = (values[1] - values[0]) / 2e-3
        assert gradient[0, 0] == pytest.approx(float(difference), rel=0.2, abs=0.2)


def test_it_pickles_and_compares_by_value(ratio, tmp_path):
    copy = pickle.loads(pickle.dumps(ratio))
    assert copy == ratio
    assert hash(copy) == hash(ratio)
    ratio.save(tmp_path / "ratio.npz")
    loaded = load_density_ratio(tmp_path / "ratio.npz")
    assert loaded == ratio
    np.testing.assert_array_equal(loaded(*ROWS), ratio(*ROWS))
    assert jax.tree.map(lambda leaf: leaf + 1, ratio) != ratio


@pytest.mark.slow
def test_a_mixture_as_the_base_density(tmp_path):
    estimator = dataclasses.replace(ESTIMATOR, base_densities=("mixture",))
    ratio = estimator(KEY, X, Y[:, :1]).density_ratio
    assert isinstance(ratio.fold_maps[0].base, MixtureDensityRatio)
    rows = X[:20], Y[:20, :1]
    values = ratio(*rows)
    assert values.mean() > ratio(X[:20], Y[20:40, :1]).mean() + 0.5
    np.testing.assert_allclose(jax.jit(ratio)(*rows), values, atol=1e-3)
    ratio.save(tmp_path / "ratio.npz")
    loaded = load_density_ratio(tmp_path / "ratio.npz")
    np.testing.assert_array_equal(loaded(*rows), values)
