"""Terms of the Deep InfoMax loss: user-defined ones, adversaries and penalties."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxinfo.adversarial import r1
from jaxinfo.infomax import (
    PriorTerm,
    train_deep_infomax,
)
from tests.infomax.small_encoder import (
    IMAGES,
    KEY,
    LOCAL,
    PRIOR,
    encode,
    init_encoder,
    init_small,
    make_small,
)


class VarianceTerm(NamedTuple):
    """Keeps the standard deviation of each coordinate above 1."""

    weight: float = 1.0
    name: str = "variance"

    def init(self, key, features, representations):
        return ()

    def loss(self, key, params, features, representations):
        sd = jnp.std(representations, axis=0)
        return jnp.mean(jnp.maximum(0, 1 - sd)), {"smallest_sd": jnp.min(sd)}


def test_an_encoder_is_trained_by_a_term_of_ones_own():
    infomax = make_small(VarianceTerm(), optimizer=optax.adam(0.1))
    run = jax.jit(
        lambda key: train_deep_infomax(
            key, infomax, IMAGES, num_steps=100, batch_size=12, eval_every=50
        )
    )(KEY)
    before = jnp.std(infomax.encode(init_small(infomax), IMAGES)[1], axis=0)
    after = jnp.std(infomax.encode(run.state, IMAGES)[1], axis=0)
    assert jnp.min(before) < 0.3
    assert jnp.min(after) > 0.9
    assert run.history.terms["variance"]["smallest_sd"][-1] > 0.9


class HiddenBrightness(NamedTuple):
    """Removes what a linear adversary can read of a feature from representations."""

    weight: float = 1.0
    name: str = "hidden_brightness"
    optimizer: optax.GradientTransformation | None = optax.sgd(0.5)

    def init(self, key, features, representations):
        return jnp.zeros(representations.shape[1])

    def adversary_loss(self, key, params, features, representations, *, step):
        truth = features[..., 0].mean(axis=(1, 2))
        error = jnp.mean((representations @ params - truth) ** 2)
        return error, {"error": error}

    def loss(self, key, params, features, representations):
        error, _ = self.adversary_loss(key, params, features, representations, step=0)
        return -error, {}


@pytest.mark.slow
def test_a_term_of_ones_own_may_have_an_adversary():
    infomax = make_small(HiddenBrightness())
    state = init_small(infomax)
    moved, info = jax.jit(infomax.step)(KEY, state, IMAGES)
    features, representations = infomax.encode(state, IMAGES)
    truth = features[..., 0].mean(axis=(1, 2))
    # The first gradient step of least squares from zero, by the adversary's optimizer.
    expected = 0.5 * 2 * np.mean(representations * truth[:, None], axis=0)
    np.testing.assert_allclose(moved.params["hidden_brightness"], expected, rtol=1e-4)
    metrics = info.terms["hidden_brightness"]
    np.testing.assert_allclose(metrics["loss"], -metrics["error"], rtol=1e-5)
    # The encoder increases the error in its own step.
    assert infomax.step(KEY, moved, IMAGES)[1].loss < 0


@pytest.mark.slow
def test_a_lazy_penalty_has_its_multiple_weight_in_some_updates_only():
    def prior_weights(penalties, num_steps):
        infomax = make_small(LOCAL, PriorTerm(PRIOR, penalties=penalties))
        state, step = init_small(infomax), jax.jit(infomax.step)
        for _ in range(num_steps):
            state, _ = step(KEY, state, IMAGES)
        return state.params["prior"]

    lazy, twice, none = (
        prior_weights(penalties, 1) for penalties in ([r1(1.0, every=2)], [r1(2.0)], ())
    )
    np.testing.assert_allclose(lazy, twice, rtol=1e-6)
    assert np.max(np.abs(lazy - none)) > 1e-4
    term = PriorTerm(PRIOR, penalties=[r1(1.0, every=2)])
    features, representations = encode(init_encoder(KEY, IMAGES), IMAGES)
    losses = [
        term.adversary_loss(KEY, jnp.ones(2), features, representations, step=step)[0]
        for step in (0, 1)
    ]
    assert losses[0] > losses[1] + 1e-3
