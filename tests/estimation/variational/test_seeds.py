"""Summaries of many runs: settings, seeds, saturation, convergence and warnings."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.estimation import (
    BOUNDS,
    RunResult,
    TrainConfig,
    Variational,
    estimates_of_runs,
    make_run,
    summarize,
)
from jaxinfo.estimation.variational import seeds
from jaxinfo.training import sweep
from tests.fakes import PRODUCT_CRITIC

KEY = jax.random.key(0)
RUN = make_run(PRODUCT_CRITIC, bound="smile", num_steps=50, eval_every=20)
NUM_SETTINGS, NUM_SEEDS, NUM_ROWS = 2, 3, 40


def _results(**changes):
    """Made-up results of two settings and three seeds, with NumPy leaves."""
    rng = np.random.default_rng(0)
    shape = (NUM_SETTINGS, NUM_SEEDS)
    fields = {
        "value": rng.normal(size=shape),
        "influence": (rng.normal(size=(*shape, NUM_ROWS)),),
        "log_normalizer": rng.normal(size=shape),
        "effective_sample_size": np.full(shape, 1_000.0),
        "params": rng.normal(size=(*shape, 5)),
        "best_step": np.full(shape, 20),
        "num_steps": np.full(shape, 50),
        "num_nonfinite": np.zeros(shape, int),
        "history": rng.normal(size=(*shape, 3)),
    }
    return RunResult(**(fields | changes))


def test_each_setting_gets_the_estimate_of_its_seeds():
    results = _results()
    estimates = estimates_of_runs(
        RUN, results, ceiling=3.0, num_samples=7, warnings=["a"], seconds=2.0
    )
    assert len(estimates) == NUM_SETTINGS
    for i, estimate in enumerate(estimates):
        summary = summarize(results.value[i], [results.influence[0][i]])
        found = estimate.diagnostics
        assert (estimate.value, estimate.standard_error) == summary[:2]
        assert (estimate.lower, estimate.upper) == summary[2:]
        assert (estimate.kind, estimate.estimator) == ("neither", "smile")
        assert estimate.quantity == "mutual information"
        assert estimate.num_samples == 7
        np.testing.assert_array_equal(found.per_seed, results.value[i])
        np.testing.assert_array_equal(found.history.values, results.history[i])
        # The last validation comes after the last step.
        assert found.history.steps.tolist() == [20, 40, 50]
        assert (found.ceiling, found.seconds, found.warnings) == (3.0, 2.0, ("a",))
        assert not found.saturated
        assert found.converged
        assert estimate.density_ratio is None


@pytest.mark.slow
def test_estimates_of_a_sweep_over_settings():
    x, noise = jax.random.normal(KEY, (2, 300, 2))
    parts = [(x[i::3], (x + noise)[i::3]) for i in range(3)]
    run = make_run(PRODUCT_CRITIC, bound="smile", num_steps=40, batch_size=32)
    settings = {"learning_rate": jnp.array([0.0, 0.03]), "clip": jnp.array([5.0, 5.0])}
    results = sweep(run, jax.random.split(KEY, 3), *parts, settings=settings)
    still, moved = estimates_of_runs(run, results, num_samples=300)
    assert still.value == 0
    assert moved.value > 3 * moved.standard_error > 0
    assert moved.diagnostics.num_seeds == 3


def test_the_density_ratio_is_made_of_the_finite_seeds():
    results = _results()
    results.value[0, 1] = np.nan
    made = []

    def make(params, normalizers):
        made.append((params, normalizers))

    first, _ = estimates_of_runs(RUN, results, make_density_ratio=make)
    np.testing.assert_array_equal(made[0][0], results.params[0, [0, 2]])
    np.testing.assert_array_equal(made[0][1], results.log_normalizer[0, [0, 2]])
    assert first.value == pytest.approx(np.nanmean(results.value[0]))
    assert first.diagnostics.warnings == ("1 of 3 seeds gave no finite value",)


def test_an_estimate_without_a_finite_seed_is_nan():
    results = _results(value=np.full((NUM_SETTINGS, NUM_SEEDS), np.nan))
    estimate, _ = estimates_of_runs(RUN, results)
    numbers = [estimate.value, estimate.standard_error, estimate.lower, estimate.upper]
    assert np.isnan(numbers).all()
    assert not estimate.diagnostics.converged
    assert "3 of 3 seeds" in estimate.diagnostics.warnings[0]
    assert estimate.to_dict()["value"] is None


def test_skipped_updates_are_counted():
    counts = np.array([[1, 0, 2], [0, 0, 0]])
    some, none = estimates_of_runs(RUN, _results(num_nonfinite=counts))
    assert some.diagnostics.num_nonfinite == 3
    assert "3 updates with a non-finite gradient" in some.diagnostics.warnings[0]
    assert none.diagnostics.num_nonfinite == 0
    assert none.diagnostics.warnings == ()


@pytest.mark.parametrize(
    ("best_steps", "converged"),
    [([50, 50, 20], False), ([45, 45, 50], True), ([46, 46, 20], False)],
)
def test_convergence_is_judged_by_the_median_seed(best_steps, converged):
    results = _results(best_step=np.array([best_steps, best_steps]))
    for estimate in estimates_of_runs(RUN, results):
        assert estimate.diagnostics.converged == converged


@pytest.mark.parametrize(
    ("ceiling", "size", "saturated"),
    [(np.inf, 30, False), (np.inf, 29, True), (1.6, 1_000, False), (1.4, 1_000, True)],
)
def test_values_near_the_ceiling_or_of_few_scores_are_saturated(
    ceiling, size, saturated
):
    sizes = np.full((NUM_SETTINGS, NUM_SEEDS), 1_000.0)
    sizes[:, 0] = size
    results = _results(value=np.ones_like(sizes), effective_sample_size=sizes)
    for estimate in estimates_of_runs(RUN, results, ceiling=ceiling):
        assert estimate.diagnostics.saturated == saturated


def test_results_need_axes_of_settings_and_seeds():
    one = jax.tree.map(lambda leaf: leaf[0], _results())
    with pytest.raises(ValueError, match=r"two leading axes.*got values of shape \(3,"):
        estimates_of_runs(RUN, one)


def test_an_estimator_reports_the_saturation_of_one_seed(monkeypatch):
    x, noise = np.random.default_rng(0).normal(size=(2, 400, 2))
    train = TrainConfig(num_steps=6, eval_every=3, num_seeds=2, batch_size=32)
    estimator = Variational("mine", critic=PRODUCT_CRITIC, train=train)
    assert not estimator(KEY, x, x + noise).diagnostics.saturated

    def with_a_poor_seed(*arguments, **options):
        result = sweep(*arguments, **options)
        sizes = result.effective_sample_size.at[..., 0].set(29.0)
        return result._replace(effective_sample_size=sizes)

    monkeypatch.setattr(seeds, "sweep", with_a_poor_seed)
    estimate = estimator(KEY, x, x + noise)
    assert estimate.diagnostics.saturated
    assert "; saturated" in str(estimate)
    assert estimate.kind == BOUNDS["mine"].kind


@pytest.mark.slow
def test_a_training_that_diverges_is_said_and_has_not_converged():
    """A constant critic reaches 0 nats; a learning rate of 10 reaches -1e6."""
    x, noise = np.random.default_rng(0).normal(size=(2, 500))
    estimator = Variational(
        "mine",
        settings={"learning_rate": 10.0},
        train=TrainConfig(num_steps=100, num_seeds=2),
    )
    with pytest.warns(UserWarning, match="did not converge; try a smaller learning"):
        estimate = estimator(jax.random.key(0), x, x + noise)
    assert not estimate.diagnostics.converged
    assert estimate.value < 0


@pytest.mark.slow
def test_heavy_tails_are_named_before_a_bound_fails_on_them():
    x, noise = np.random.default_rng(0).normal(size=(2, 500))
    with pytest.warns(UserWarning, match="x has heavy tails.*give ranks"):
        Variational("mine", train=TrainConfig(num_steps=20, num_seeds=2))(
            jax.random.key(0), np.exp(5 * x), x + noise
        )
