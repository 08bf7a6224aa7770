"""Probes without labels: known dependence, known information, bad input."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.estimation import TrainConfig, Variational, VariationalDivergence
from jaxinfo.infomax import dependence_probe, information_probe
from jaxinfo.networks import discriminator

KEY = jax.random.key(0)
QUICK = TrainConfig(num_steps=400, num_seeds=2)
RATE = {"learning_rate": 2e-3}
SMALL = VariationalDivergence(
    discriminator=discriminator((32, 32)), settings=RATE, train=QUICK
)


def _representations(correlation, num_rows=6_000):
    representations = np.array(jax.random.normal(KEY, (num_rows, 3)))
    mixed = (
        correlation * representations[:, 0]
        + math.sqrt(1 - correlation**2) * representations[:, 1]
    )
    representations[:, 1] = mixed
    return representations


@pytest.mark.slow
@pytest.mark.parametrize("correlation", [0.0, 0.8])
def test_the_dependence_of_gaussians_is_their_total_correlation(correlation):
    found = dependence_probe(KEY, _representations(correlation), estimator=SMALL)
    truth = -0.5 * math.log(1 - correlation**2)
    estimate = found.protocol["estimate"]
    # The estimate is reported on 600 rows of each sample.
    assert abs(found.value - truth) < 4 * max(estimate["standard_error"], 0.005)
    assert found.protocol["unit"] == "nats"
    assert estimate["kind"] == "lower_bound"
    assert len(found.per_seed) == 2


@pytest.mark.slow
def test_an_infinite_dependence_is_reported_as_saturated():
    representations = _representations(0.0)
    representations[:, 1] = representations[:, 0]
    found = dependence_probe(KEY, representations, estimator=SMALL)
    assert found.protocol["estimate"]["saturated"]
    bounded = dependence_probe(
        KEY, representations, divergence="JENSEN_SHANNON", estimator=SMALL
    )
    assert 1 < bounded.value < 2 * math.log(2)


@pytest.mark.slow
def test_the_information_of_a_noisy_coordinate_is_its_closed_form():
    x = jax.random.normal(KEY, (4_000, 2, 2))
    noise = jax.random.normal(jax.random.key(1), (4_000, 1))
    found = information_probe(
        KEY,
        x,
        x[:, :1, 0] + noise,
        estimator=Variational("donsker_varadhan", settings=RATE, train=QUICK),
    )
    assert abs(found.value - 0.5 * math.log(2)) < 0.1
    assert found.protocol["estimate"]["bound"] == "donsker_varadhan"
    assert "num_steps=400" in found.protocol["estimator"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: dependence_probe(KEY, jnp.zeros((4, 1))), "at least two columns"),
        (lambda: dependence_probe(KEY, jnp.zeros(4)), "representations must have 2"),
        (
            lambda: dependence_probe(KEY, jnp.full((4, 2), jnp.nan)),
            "representations must be finite",
        ),
        (
            lambda: information_probe(KEY, jnp.zeros((4, 2)), jnp.zeros((5, 2))),
            "x and y",
        ),
    ],
)
def test_errors_name_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call()
