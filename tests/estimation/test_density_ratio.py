"""Density ratios of every estimator: jit, grad, vmap, pickle, save and load."""

import functools
import pickle
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo import networks
from jaxinfo.estimation import (
    DensityRatio,
    Gaussian,
    GaussianCopula,
    TrainConfig,
    Variational,
    VariationalDivergence,
    estimate_conditional_mutual_information,
    estimate_transfer_entropy,
    load_density_ratio,
)
from tests.fakes import PRODUCT_CRITIC, SUM_DISCRIMINATOR
from tests.marks import slowly

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
X, NOISE, Z = RNG.normal(size=(3, 200, 2))
Y = X + NOISE
NEW_X, NEW_Y, NEW_Z = np.asarray(RNG.normal(size=(3, 6, 2)), np.float32)
QUICK = TrainConfig(num_steps=40, eval_every=20, num_seeds=2, batch_size=32)
TRAINED = {"train": QUICK, "settings": {"learning_rate": 0.02}}

# Each ratio, and new rows for it.
MAKERS = {
    "mine": lambda: Variational("mine", critic=PRODUCT_CRITIC, **TRAINED)(KEY, X, Y),
    # Normalized by reference rows, as all bounds identifiable up to a function of x.
    "info_nce": lambda: Variational("info_nce", critic=PRODUCT_CRITIC, **TRAINED)(
        KEY, X, Y
    ),
    "divergence": lambda: VariationalDivergence(
        discriminator=SUM_DISCRIMINATOR, **TRAINED
    )(KEY, X + 1, X),
    "gaussian": lambda: Gaussian()(KEY, X, Y),
    "gaussian_copula": lambda: GaussianCopula()(KEY, X, Y),
    "conditional": lambda: estimate_conditional_mutual_information(
        KEY, X, Y, Z, estimator="gaussian"
    ),
    "transfer": lambda: estimate_transfer_entropy(
        KEY, X[:, 0], Y[:, 0], estimator="gaussian"
    ),
}
NEW_ROWS = dict.fromkeys(MAKERS, (NEW_X, NEW_Y)) | {
    "divergence": (NEW_X,),
    "conditional": (NEW_X, NEW_Y, NEW_Z),
    "transfer": (NEW_X[:, 0], NEW_Y[:, 0]),
}
FAST = ("info_nce", "gaussian_copula", "conditional")
each_ratio = pytest.mark.parametrize(
    "name", [name if name in FAST else slowly(name) for name in MAKERS]
)


@functools.cache
def _ratio(name):
    return MAKERS[name]().density_ratio


@each_ratio
def test_a_ratio_is_a_pytree_under_jit(name):
    ratio, rows = _ratio(name), NEW_ROWS[name]
    expected = ratio(*rows)
    assert isinstance(ratio, DensityRatio)
    assert expected.shape == ((5,) if name == "transfer" else (6,))
    assert np.std(expected) > 0
    as_argument = jax.jit(lambda ratio, *rows: ratio(*rows))(ratio, *rows)
    np.testing.assert_allclose(as_argument, expected, atol=1e-5)
    closed_over = jax.jit(lambda *rows: ratio(*rows))(*rows)
    np.testing.assert_allclose(closed_over, expected, atol=1e-5)


@each_ratio
def test_the_gradient_in_x_is_that_of_finite_differences(name):
    ratio, (x, *others) = _ratio(name), NEW_ROWS[name]
    gradient = jax.grad(lambda x: jnp.sum(ratio(x, *others)))(jnp.asarray(x))
    assert gradient.shape == x.shape
    if name == "gaussian_copula":
        # Ranks are constant between the rows of the fit.
        np.testing.assert_array_equal(gradient, 0)
        return
    step = 1e-2
    for place in [(0,), (3,)] if x.ndim == 1 else [(0, 0), (5, 1)]:
        moved = [np.array(x), np.array(x)]
        moved[0][place] += step
        moved[1][place] -= step
        above, below = (np.asarray(ratio(each, *others), float) for each in moved)
        # These ratios are at most quadratic in x, up to a log mean exp.
        expected = (above.sum() - below.sum()) / (2 * step)
        assert gradient[place] == pytest.approx(expected, rel=0.01, abs=1e-3)
        assert abs(expected) > 1e-3


@each_ratio
def test_a_ratio_maps_over_batches_of_rows(name):
    ratio = _ratio(name)
    batches = [np.stack([rows, rows[::-1]]) for rows in NEW_ROWS[name]]
    found = jax.vmap(ratio)(*batches)
    for i in range(2):
        expected = ratio(*(rows[i] for rows in batches))
        np.testing.assert_allclose(found[i], expected, atol=1e-5)


@each_ratio
def test_a_ratio_survives_pickling(name):
    ratio, rows = _ratio(name), NEW_ROWS[name]
    again = pickle.loads(pickle.dumps(ratio))
    assert again == ratio
    assert hash(again) == hash(ratio)
    np.testing.assert_array_equal(again(*rows), ratio(*rows))


@each_ratio
def test_a_ratio_survives_saving(name, tmp_path):
    ratio, rows = _ratio(name), NEW_ROWS[name]
    ratio.save(tmp_path / "ratio.npz")
    again = load_density_ratio(tmp_path / "ratio.npz")
    assert again == ratio
    assert type(again) is type(ratio)
    np.testing.assert_array_equal(again(*rows), ratio(*rows))


def test_ratios_with_other_numbers_differ():
    copula = _ratio("gaussian_copula")
    assert jax.tree.map(lambda leaf: 2 * leaf, copula) != copula
    assert _ratio("info_nce") != copula
    assert copula != 3


# Another process -------------------------------------------------------------------

ELSEWHERE = """
import sys

import numpy as np

from jaxinfo.estimation import load_density_ratio

path, *names = sys.argv[1:]
rows = np.load(path + "/rows.npz")
values = {}
for name in names:
    ratio = load_density_ratio(f"{path}/{name}.npz")
    taken = [rows[f"{name}_{i}"] for i in range(sum(f"{name}_" in key for key in rows))]
    values[name] = ratio(*taken)
np.savez(path + "/values.npz", **values)
"""


def _evaluate_elsewhere(folder, ratios, rows):
    """Saves density ratios; loads and evaluates them in a new process."""
    for name, ratio in ratios.items():
        ratio.save(folder / f"{name}.npz")
    arrays = {
        f"{name}_{i}": each for name in ratios for i, each in enumerate(rows[name])
    }
    np.savez(folder / "rows.npz", **arrays)
    root = Path(__file__).parents[2]
    subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(folder), *ratios], cwd=root, check=True
    )
    with np.load(folder / "values.npz") as values:
        return dict(values)


@pytest.mark.slow
def test_saved_ratios_load_in_another_process(tmp_path):
    chosen = {name: _ratio(name) for name in ("mine", "divergence", "gaussian_copula")}
    found = _evaluate_elsewhere(tmp_path, chosen, NEW_ROWS)
    for name, ratio in chosen.items():
        expected = ratio(*NEW_ROWS[name])
        np.testing.assert_allclose(found[name], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_ratios_of_bundled_networks_load_in_another_process(tmp_path):
    critic, discriminator = networks.joint_critic((4,)), networks.discriminator((4,))
    assert pickle.loads(pickle.dumps((critic, discriminator))) == (
        critic,
        discriminator,
    )
    train = TrainConfig(num_steps=2, eval_every=1, num_seeds=1, batch_size=32)
    mine = Variational("mine", critic=critic, train=train)(KEY, X, Y)
    # With its default separable critic and auxiliary network.
    tuba = Variational("tuba", train=train)(KEY, X, Y)
    divergence = VariationalDivergence(discriminator=discriminator, train=train)
    ratios = {
        "mine": mine.density_ratio,
        "tuba": tuba.density_ratio,
        "divergence": divergence(KEY, X + 1, X).density_ratio,
    }
    rows = NEW_ROWS | {"tuba": (NEW_X, NEW_Y)}
    found = _evaluate_elsewhere(tmp_path, ratios, rows)
    for name, ratio in ratios.items():
        np.testing.assert_allclose(found[name], ratio(*rows[name]), atol=1e-5)


# Bad input -------------------------------------------------------------------------


def test_a_ratio_of_lambdas_cannot_be_saved_and_the_error_names_the_way_out(tmp_path):
    critic = (lambda key, x, y: jnp.zeros(()), lambda p, x, y: p * (x * y).sum(1))
    ratio = Variational("mine", critic=critic, train=QUICK)(KEY, X, Y).density_ratio
    with pytest.raises(ValueError, match=r"cannot be pickled; define.*top level"):
        ratio.save(tmp_path / "ratio.npz")
    assert not (tmp_path / "ratio.npz").exists()


def test_other_files_are_no_density_ratios(tmp_path):
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(ValueError, match=r"other\.npz was not written"):
        load_density_ratio(tmp_path / "other.npz")
    np.save(tmp_path / "other.npy", np.zeros(3))
    with pytest.raises(ValueError, match=r"other\.npy was not written"):
        load_density_ratio(tmp_path / "other.npy")


@each_ratio
def test_rows_of_the_wrong_shape_are_named(name):
    rows = [each[:, None] for each in NEW_ROWS[name]]
    with pytest.raises(ValueError, match="must have rows of shape"):
        _ratio(name)(*rows)
    with pytest.raises(ValueError, match="must have rows of shape"):
        jax.jit(_ratio(name).__call__)(*rows)
