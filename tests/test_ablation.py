"""The recipe's parts that the ablation exchanges are still where it looks for them."""

import jax
import numpy as np
import pytest

import jaxinfo
from experiments.ablation.variants import RECIPE, VARIANTS, exchanged
from jaxinfo.estimation import cross_fit_estimate

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_exchanged_part_is_there_and_put_back(variant):
    before = cross_fit_estimate.halfway
    with exchanged(variant):
        is_there = cross_fit_estimate.halfway is before
        assert is_there == (variant != "the held-out bound, not halfway")
    assert cross_fit_estimate.halfway is before


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_estimates(variant):
    x = RNG.normal(size=(400, 1))
    y = 0.8 * x + 0.6 * RNG.normal(size=(400, 1))
    jax.clear_caches()
    with exchanged(variant):
        estimate = jaxinfo.estimate_mutual_information(
            jax.random.key(0), x, y, num_seeds=4, num_steps=200
        )
    assert 0.2 < estimate.value < 0.9, variant


def test_the_recipe_itself_comes_first():
    assert next(iter(VARIANTS)) == RECIPE
    assert VARIANTS[RECIPE] is None
