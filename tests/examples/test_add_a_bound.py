"""Example: add a variational bound and estimate mutual information with it.

A bound is a pure function of scores. This one is the NWJ bound with scores that are
clipped from above, so that no single negative can dominate it:

    E_p[T] - E_q[exp(T - 1)],  T = min(scores, c).

To keep it in the library: write the function in `jaxinfo/divergences/bounds.py` and
add the row to `BOUNDS` in `jaxinfo/estimation/variational/registry.py`.
"""

import jax
import jax.numpy as jnp
import numpy as np

from jaxinfo.core import weighted_mean
from jaxinfo.divergences import KL
from jaxinfo.estimation import Bound, Stateless, TrainConfig, Variational


def clipped_nwj_bound(scores_p, scores_q, where=None, where_p=None):
    """`where` and `where_p` weight scores; errors are derivatives in the weights."""
    scores_p, scores_q = (jnp.minimum(scores, 5.0) for scores in (scores_p, scores_q))
    return weighted_mean(scores_p, where_p) - weighted_mean(
        jnp.exp(scores_q - 1), where
    )


CLIPPED_NWJ = Bound(
    name="clipped_nwj",
    kind="lower_bound",  # Any function of (x, y) gives a lower bound.
    objective=Stateless(clipped_nwj_bound),
    value=clipped_nwj_bound,
    log_ratio=KL.log_ratio,  # The optimal score is 1 + log p(x, y) / (p(x) p(y)).
)


def test_a_new_bound_estimates():
    x, noise = np.random.default_rng(0).normal(size=(2, 2_000, 1))
    truth = 0.5 * np.log(2)
    estimator = Variational(
        CLIPPED_NWJ,
        settings={"learning_rate": 5e-3},
        train=TrainConfig(num_steps=300, num_seeds=2),
    )
    estimate = estimator(jax.random.key(0), x, x + noise)
    assert estimate.estimator == "clipped_nwj"
    assert abs(estimate.value - truth) < 4 * estimate.standard_error
    assert estimate.standard_error < 0.1
    # The density ratio is log N(y; x, 1) / N(y; 0, 2), here at x = y = 1.
    pointwise = estimate.density_ratio(np.ones((1, 1)), np.ones((1, 1)))
    assert abs(float(pointwise[0]) - (0.5 * np.log(2) + 0.25)) < 0.2
