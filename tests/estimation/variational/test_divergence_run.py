"""The pure run of a divergence: members, bounds, samples of two sizes, errors."""

import chex
import jax
import numpy as np
import optax
import pytest

from jaxinfo import networks
from jaxinfo.divergences import KL, LE_CAM, exact_gaussian_kl
from jaxinfo.estimation import make_divergence_run
from tests.fakes import SUM_DISCRIMINATOR, init_weight
from tests.marks import slowly

KEY = jax.random.key(0)
SHORT = {"num_steps": 6, "eval_every": 3, "batch_size": 16}
DISCRIMINATOR = networks.discriminator((8,))


def _samples(num_p, num_q, seed):
    """Rows of N(1/2, 1) and of N(0, 1) in two coordinates."""
    key_p, key_q = jax.random.split(jax.random.key(seed))
    p = jax.random.normal(key_p, (num_p, 2)) + 0.5
    return p, jax.random.normal(key_q, (num_q, 2))


PARTS = (_samples(60, 60, 0), _samples(60, 60, 1), _samples(23, 37, 2))


def _check_result(result):
    chex.assert_tree_all_finite((result.value, result.influence, result.history))
    chex.assert_shape(result.influence, [(23,), (37,)])
    chex.assert_shape(result.history, (2,))
    assert result.num_nonfinite == 0
    for influence in result.influence:
        # Values are unchanged if all rows weigh twice as much (Euler's theorem).
        psi = np.asarray(influence, float)
        assert abs(psi.mean()) < 1e-5 * (1 + np.abs(psi).max())
        assert psi.std() > 0


@pytest.mark.parametrize(
    "divergence", ["KL", LE_CAM, *map(slowly, ["PEARSON", "TOTAL_VARIATION"])]
)
def test_members_run_by_name_and_by_object(divergence):
    run = make_divergence_run(DISCRIMINATOR, divergence=divergence, **SHORT)
    _check_result(jax.jit(run)(KEY, *PARTS))


BOUNDS_OF_KL = ["renyi", *map(slowly, ["mine", "f_divergence", "nwj", "smile"])]


@pytest.mark.parametrize("bound", BOUNDS_OF_KL)
def test_bounds_of_kl_run_by_name(bound):
    run = make_divergence_run(DISCRIMINATOR, bound=bound, **SHORT)
    _check_result(jax.jit(run)(KEY, *PARTS))


def test_one_weight_learns_the_log_density_ratio_of_shifted_normals():
    # log p / q = (x_1 + x_2) / 2 - 1/4: a weight of 1/2; the constant drops out.
    run = make_divergence_run(
        SUM_DISCRIMINATOR, num_steps=200, batch_size=256, optimizer=optax.sgd(0.2)
    )
    parts = [_samples(4_000, 4_000, seed) for seed in range(3)]
    result = jax.jit(run)(KEY, *parts)
    truth = exact_gaussian_kl(np.full(2, 0.5), np.eye(2), np.zeros(2), np.eye(2))
    assert truth == pytest.approx(0.25)
    variance = sum(psi.var() / len(psi) for psi in result.influence)
    assert abs(result.value - truth) < 3 * np.sqrt(variance)
    assert result.params == pytest.approx(0.5, abs=0.1)
    # Raw scores v of KL mean the log ratio v - 1; E_q exp((x_1 + x_2) / 2) = e^(1/4).
    assert result.log_normalizer == pytest.approx(0.25 - 1, abs=0.1)


def test_the_influence_is_the_derivative_in_the_weight_of_a_row_of_either_sample():
    with jax.enable_x64(True):
        parts = [tuple(z.astype(float) for z in part) for part in PARTS]
        run = make_divergence_run(SUM_DISCRIMINATOR, **SHORT)
        result = jax.jit(run)(KEY, *parts, learning_rate=0.1)
        scores_p, scores_q = (result.params * part.sum(1) for part in parts[2])
        bound = jax.jit(run.bound.value)
        ones = [np.ones(len(scores)) for scores in (scores_p, scores_q)]

        def value(step, side, row):
            weights = [each.copy() for each in ones]
            weights[side][row] += step
            return bound(scores_p, scores_q, weights[1], weights[0])

        np.testing.assert_allclose(result.value, value(0.0, 0, 0), rtol=1e-9)
        for side, row in [(0, 0), (0, 22), (1, 5), (1, 36)]:
            gradient = (value(1e-5, side, row) - value(-1e-5, side, row)) / 2e-5
            expected = len(ones[side]) * gradient
            np.testing.assert_allclose(
                result.influence[side][row], expected, rtol=1e-5, atol=1e-8
            )


def test_equal_arguments_make_equal_runs():
    run = make_divergence_run(DISCRIMINATOR, **SHORT)
    assert run == make_divergence_run(DISCRIMINATOR, divergence=KL, **SHORT)
    assert hash(run) == hash(make_divergence_run(DISCRIMINATOR, **SHORT))
    assert run != make_divergence_run(DISCRIMINATOR, divergence=LE_CAM, **SHORT)
    assert run != make_divergence_run(DISCRIMINATOR, bound="nwj", **SHORT)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"divergence": "CHI"}, "unknown divergence 'CHI'.*PEARSON"),
        ({"divergence": "kl"}, "unknown divergence 'kl'; did you mean 'KL'"),
        ({"bound": "tuba"}, "unknown bound 'tuba'.*f_divergence"),
        ({"divergence": "LE_CAM", "bound": "mine"}, "'mine' estimates KL, not LE_CAM"),
        ({"discriminator": 3}, "discriminator must be a Network or a pair"),
        ({"num_steps": 0}, "num_steps must be a positive whole number"),
        ({"batch_size": 1}, "batch_size must be at least 2"),
    ],
)
def test_bad_arguments_are_named(changes, message):
    arguments = {"discriminator": DISCRIMINATOR} | changes
    with pytest.raises(ValueError, match=message):
        make_divergence_run(arguments.pop("discriminator"), **arguments)


def test_data_and_settings_that_do_not_fit_are_named():
    p, q = PARTS[0]
    run = make_divergence_run(SUM_DISCRIMINATOR, **SHORT)
    with pytest.raises(ValueError, match=r"validation must be a pair.*same shape"):
        run(KEY, (p, q), (p, q[:, :1]), (p, q))
    with pytest.raises(ValueError, match="batch_size must be at most the 15"):
        run(KEY, (p, q[:15]), (p, q), (p, q))
    with pytest.raises(ValueError, match=r"settings \['order'\] do not fit"):
        run(KEY, *PARTS, order=0.5)
    wrong = make_divergence_run((init_weight, lambda weight, x: weight * x))
    with pytest.raises(ValueError, match=r"discriminator must return.*\(60, 2\)"):
        jax.jit(wrong)(KEY, *PARTS)
    noisy = networks.maxout_discriminator()
    if noisy.apply_train is not None:
        with pytest.raises(ValueError, match="discriminator must be deterministic"):
            make_divergence_run(noisy)
