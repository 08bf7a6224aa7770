"""Probes without labels: known dependence, known information, what can be decoded."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.infomax import (
    Pictured,
    dependence_probe,
    information_probe,
    reconstruction_probe,
)
from jaxinfo.networks import convolutional_generator, discriminator

KEY = jax.random.key(0)
QUICK = {"num_steps": 400, "num_seeds": 2, "learning_rate": 2e-3}
SMALL = {"discriminator": discriminator((32, 32)), **QUICK}


def _codes(correlation, num_rows=6_000):
    codes = np.array(jax.random.normal(KEY, (num_rows, 3)))
    mixed = correlation * codes[:, 0] + math.sqrt(1 - correlation**2) * codes[:, 1]
    codes[:, 1] = mixed
    return codes


@pytest.mark.parametrize("correlation", [0.0, 0.8])
def test_dependence_is_the_total_correlation(correlation):
    found = dependence_probe(KEY, _codes(correlation), **SMALL)
    truth = -0.5 * math.log(1 - correlation**2)
    estimate = found.protocol["estimate"]
    # The report is on 600 rows of either sample.
    assert abs(found.value - truth) < 4 * max(estimate["standard_error"], 0.005)
    assert found.protocol["unit"] == "nats"
    assert estimate["kind"] == "lower_bound"
    assert len(found.per_seed) == 2


def test_dependence_without_end_is_said_to_be_saturated():
    codes = _codes(0.0)
    codes[:, 1] = codes[:, 0]
    found = dependence_probe(KEY, codes, **SMALL)
    assert found.protocol["estimate"]["saturated"]
    bounded = dependence_probe(KEY, codes, divergence="JENSEN_SHANNON", **SMALL)
    assert 1 < bounded.value < 2 * math.log(2)


@pytest.mark.slow
def test_information_is_the_estimators():
    x = jax.random.normal(KEY, (4_000, 2, 2))
    noise = jax.random.normal(jax.random.key(1), (4_000, 1))
    found = information_probe(
        KEY, x, x[:, :1, 0] + noise, bound="donsker_varadhan", **QUICK
    )
    assert abs(found.value - 0.5 * math.log(2)) < 0.1
    assert found.protocol["estimate"]["bound"] == "donsker_varadhan"
    assert found.protocol["settings"]["num_steps"] == "400"


@pytest.mark.slow
def test_what_a_code_keeps_is_decoded_and_what_it_lacks_is_not():
    codes = _codes(0.0, 1_200)
    weights = jax.random.normal(jax.random.key(1), (3, 64))
    images = jax.nn.sigmoid(codes @ weights).reshape(-1, 8, 8, 1)
    decoder = convolutional_generator((8, 8, 1), width=4, normalizes_batch=False)

    def similarity(codes):
        return reconstruction_probe(
            KEY,
            decoder,
            Pictured(codes[:1_000], images[:1_000]),
            Pictured(codes[1_000:], images[1_000:]),
            num_steps=500,
            num_seeds=2,
            window_size=7,
        )

    kept, lost = similarity(codes), similarity(0 * codes)
    assert kept.value > 0.9
    assert lost.value < 0.5
    assert kept.protocol["num_test"] == 200
    assert np.isfinite(kept.spread)


IMAGES = jnp.zeros((4, 8, 8, 1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: dependence_probe(KEY, jnp.zeros((4, 1))), "codes must have two col"),
        (lambda: dependence_probe(KEY, jnp.zeros(4)), "codes must have 2 axes"),
        (
            lambda: dependence_probe(KEY, jnp.full((4, 2), jnp.nan)),
            "codes .* finite",
        ),
        (
            lambda: information_probe(KEY, jnp.zeros((4, 2)), jnp.zeros((5, 2))),
            "x and y",
        ),
    ],
)
def test_bad_codes_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("train", "message"),
    [
        (Pictured(jnp.zeros((3, 2)), IMAGES), "an image for each of its codes, got 4"),
        (Pictured(jnp.zeros((4, 2, 1)), IMAGES), "train codes must have 2 axes"),
        (Pictured(jnp.zeros((4, 2)), IMAGES[..., 0]), "train images must have 4 axes"),
        (
            Pictured(jnp.zeros((4, 2)), IMAGES.astype(jnp.uint8)),
            "train images must be floats in .0, 1., got uint8",
        ),
        (
            Pictured(jnp.zeros((4, 2)), jnp.zeros((4, 12, 12, 1))),
            "decoder must make images of shape",
        ),
    ],
)
def test_bad_pictures_are_named(train, message):
    decoder = convolutional_generator((8, 8, 1), width=4, normalizes_batch=False)
    with pytest.raises(ValueError, match=message):
        reconstruction_probe(KEY, decoder, train, train, num_steps=10)
