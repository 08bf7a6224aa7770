"""Standard errors: against the spread over fresh data, and by their formulas."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.signal import lfilter

from jaxinfo.estimation import make_divergence_run, make_run, summarize
from jaxinfo.estimation.uncertainty import summary_around, variance_of_mean
from tests.fakes import init_weight
from tests.marks import slowly

CORRELATION, NUM_ROWS, NUM_SETS = 0.8, 200, 400
RNG = np.random.default_rng(0)


# Summaries -------------------------------------------------------------------------


def test_the_variances_of_seeds_and_rows_add():
    values = np.array([1.0, 2.0, 3.0, np.nan])
    psi, other = RNG.normal(size=(4, 50)), RNG.normal(size=(4, 20))
    summary = summarize(values, [psi, other])
    # Seeds share their rows: influences are averaged over seeds first.
    expected = np.var(psi[:3].mean(0), ddof=1) / 50 + 1.0 / 3
    expected += np.var(other[:3].mean(0), ddof=1) / 20
    assert summary.value == 2
    assert summary.standard_error == pytest.approx(np.sqrt(expected))
    assert summary[2:] == summary_around(2.0, summary.standard_error)[2:]


def test_one_seed_has_the_error_of_its_rows():
    psi = RNG.normal(size=(1, 50))
    summary = summarize(np.array([1.0]), [psi])
    assert summary.standard_error == pytest.approx(np.std(psi, ddof=1) / np.sqrt(50))


def test_no_finite_seed_gives_nan():
    summary = summarize(np.array([np.nan, np.inf]), [RNG.normal(size=(2, 50))])
    assert np.isnan(summary).all()


def test_the_interval_covers_95_percent():
    summary = summary_around(1.0, 0.5)
    assert summary.lower == pytest.approx(1.0 - 1.959964 * 0.5)
    assert summary.upper == pytest.approx(1.0 + 1.959964 * 0.5)
    assert all(isinstance(number, float) for number in summary)


@pytest.mark.parametrize("memory", [-0.5, 0.0, 0.8])
def test_the_variance_of_the_mean_of_an_autoregression_has_its_closed_form(memory):
    rng, num_rows = np.random.default_rng(0), 40_000
    values = rng.normal(size=num_rows)
    for step in range(1, num_rows):
        values[step] += memory * values[step - 1]
    # var / N = 1 / (1 - memory)^2 / N; the standard deviation over 200 batches is 10 %.
    expected = 1 / (1 - memory) ** 2 / num_rows
    found = variance_of_mean(values, is_series=True)
    assert found == pytest.approx(expected, rel=0.3)
    independent = variance_of_mean(values)
    assert independent == pytest.approx(values.var() / num_rows, rel=1e-3)


# Runs ------------------------------------------------------------------------------


def _exact_pointwise(params, x, y):
    rest = 1 - CORRELATION**2
    quadratic = (y - CORRELATION * x) ** 2 / rest - y**2
    return params - 0.5 * (quadratic + jnp.log(rest)).sum(axis=1)


def _pairs(key):
    key_x, key_noise = jax.random.split(key)
    x, noise = (jax.random.normal(k, (NUM_ROWS, 1)) for k in (key_x, key_noise))
    return x, CORRELATION * x + np.sqrt(1 - CORRELATION**2) * noise


def _compare(run, make_parts):
    """Compares the spread over fresh data sets with the mean of the standard errors."""
    keys = jax.random.split(jax.random.key(0), NUM_SETS)

    def one(key):
        part = make_parts(key)
        result = run(key, part, part, part)
        squares = [psi.var(ddof=1) / len(psi) for psi in result.influence]
        return result.value, sum(squares)

    values, variances = jax.jit(jax.vmap(one))(keys)
    spread, claimed = float(values.std(ddof=1)), float(jnp.sqrt(variances.mean()))
    # The spread of 400 sets is known to 3.5 %; influence is of first order in 1 / N.
    assert claimed == pytest.approx(spread, rel=0.12)


@pytest.mark.parametrize(
    "bound", ["donsker_varadhan", "info_nce", *map(slowly, ["nwj", "smile"])]
)
def test_the_error_of_a_run_of_mutual_information_is_the_spread(bound):
    run = make_run(
        (init_weight, _exact_pointwise),
        bound=bound,
        optimizer=optax.sgd(0.0),
        num_steps=1,
        batch_size=50,
    )
    _compare(run, _pairs)


@pytest.mark.parametrize("divergence", ["KL", "JENSEN_SHANNON", "SQUARED_HELLINGER"])
def test_the_error_of_a_run_of_a_divergence_is_the_spread(divergence):
    discriminator = (init_weight, lambda params, x: x[:, 0] - 0.5)

    def samples_of_two_sizes(key):
        key_p, key_q = jax.random.split(key)
        p = jax.random.normal(key_p, (NUM_ROWS, 1)) + 1
        return p, jax.random.normal(key_q, (2 * NUM_ROWS, 1))

    run = make_divergence_run(
        discriminator,
        divergence=divergence,
        optimizer=optax.sgd(0.0),
        num_steps=1,
        batch_size=50,
    )
    _compare(run, samples_of_two_sizes)


def test_the_error_of_a_series_allows_for_a_long_memory():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(200, 3_000))
    series = lfilter([1], [1, -0.99], noise, axis=1)[:, 1_000:]
    errors = np.sqrt([variance_of_mean(one, is_series=True) for one in series])
    # Batches of sqrt(N) steps alone cover the mean, 0, in 60 %.
    assert np.mean(np.abs(series.mean(axis=1)) < 1.96 * errors) > 0.85
