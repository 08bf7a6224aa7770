"""Example: train an encoder with a term of one's own.

A term of Deep InfoMax has a name, a weight, `init` and `loss`; no base class. This one
penalizes correlated coordinates of the representation.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxinfo import infomax, networks


@dataclasses.dataclass(frozen=True)
class Decorrelation:
    """Mean squared correlation of different coordinates of the representation."""

    weight: float = 1.0
    name: str = "decorrelation"

    def init(self, key, features, representations):
        return ()  # No parameters.

    def loss(self, key, params, features, representations):
        centered = representations - jnp.mean(representations, axis=0)
        scaled = centered / (jnp.std(centered, axis=0) + 1e-3)
        correlations = scaled.T @ scaled / len(scaled)
        other = correlations - jnp.diag(jnp.diag(correlations))
        value = jnp.mean(other**2)
        return value, {"mean_square": value}


def test_an_own_term_trains_beside_the_others():
    images = np.random.default_rng(0).normal(size=(64, 8, 8, 1)).astype(np.float32)

    def trained(weight):
        method = infomax.make_deep_infomax(
            networks.convolutional_encoder((8, 8, 1), width=4, hidden_size=16),
            terms=[
                infomax.LocalTerm(networks.embedding_critic(8), bound="info_nce"),
                Decorrelation(weight),
            ],
            optimizer=optax.adam(1e-2),
        )

        def train(key):
            return infomax.train_deep_infomax(
                key, method, images, num_steps=40, eval_every=20, batch_size=32
            )

        return jax.jit(train)(jax.random.key(0)).history

    strong, absent = (
        float(trained(weight).terms["decorrelation"]["mean_square"][-1])
        for weight in (10.0, 0.0)
    )
    assert strong < 0.7 * absent
