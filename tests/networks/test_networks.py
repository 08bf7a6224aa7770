"""Every bundled network: equal by value, picklable, explicit about broadcasting."""

import pickle

import chex
import jax
import jax.numpy as jnp
import pytest

from jaxinfo import networks
from jaxinfo.core.types import Critic

KEY = jax.random.key(0)
ROWS, PAIR = (jnp.ones((4, 3)),), (jnp.ones((4, 3)), jnp.ones((4, 2)))
IMAGES, ADJACENCY = (jnp.ones((4, 8, 8, 1)),), jnp.ones((4, 4))
# A maker, and inputs of its networks.
NETWORKS = {
    "bilinear_critic": (networks.bilinear_critic, PAIR),
    "convolutional_classifier": (
        lambda: networks.convolutional_classifier(2, width=2),
        IMAGES,
    ),
    "convolutional_discriminator": (
        lambda: networks.convolutional_discriminator(width=2),
        IMAGES,
    ),
    **{
        f"convolutional_encoder-{normalization}": (
            lambda normalization=normalization: networks.convolutional_encoder(
                (8, 8, 1), width=2, hidden_size=3, normalization=normalization
            ),
            IMAGES,
        )
        for normalization in ("batch", "group", "none")
    },
    "convolutional_generator": (
        lambda: networks.convolutional_generator((4, 4, 1), width=2),
        ROWS,
    ),
    "discriminator": (networks.discriminator, ROWS),
    "discriminator-silu": (
        lambda: networks.discriminator(activation=jax.nn.silu),
        ROWS,
    ),
    "embedding_critic": (lambda: networks.embedding_critic(8), PAIR),
    "gaussian_conditional_critic": (networks.gaussian_conditional_critic, PAIR),
    "gaussian_density": (networks.gaussian_density, ROWS),
    "gaussian_generator": (lambda: networks.gaussian_generator(3), ROWS),
    "generator": (lambda: networks.generator((4,), (2,)), ROWS),
    "generator-normalized": (
        lambda: networks.generator((4,), (2,), normalizes_batch=True),
        ROWS,
    ),
    "graph_encoder": (
        lambda: networks.graph_encoder(sizes=(3,)),
        (*ROWS, ADJACENCY),
    ),
    "heco_encoder": (
        lambda: networks.heco_encoder("paper", size=3, masks_views=False),
        (
            {"paper": ROWS[0], "author": jnp.arange(3)},
            {"author": jnp.zeros((4, 2), int)},
            {"PAP": ADJACENCY},
        ),
    ),
    "joint_critic": (networks.joint_critic, PAIR),
    "logistic_conditional_critic": (networks.logistic_conditional_critic, PAIR),
    "logistic_density": (networks.logistic_density, ROWS),
    "maxout_discriminator": (networks.maxout_discriminator, ROWS),
    "mlp": (lambda: networks.mlp((4,), 2), ROWS),
    "probe_classifier": (lambda: networks.probe_classifier(2), ROWS),
    "projection_head": (lambda: networks.projection_head(size=3), ROWS),
    "separable_critic": (networks.separable_critic, PAIR),
    "with_fourier_features": (
        lambda: networks.with_fourier_features(networks.maxout_discriminator((4,))),
        ROWS,
    ),
}
OTHER_NAMES = {"Encoding", "GraphViews"}
OTHER_NAMES |= {"from_linen", "from_linen_in_training", "from_nnx"}


def test_the_table_is_complete():
    made = {name.partition("-")[0] for name in NETWORKS}
    assert made == set(networks.__all__) - OTHER_NAMES


@pytest.mark.parametrize("make", [m for m, _ in NETWORKS.values()], ids=NETWORKS)
def test_equal_arguments_give_equal_networks_that_can_be_pickled(make):
    network = make()
    for same in (make(), pickle.loads(pickle.dumps(network))):
        assert same == network
        assert hash(same) == hash(network)


@pytest.mark.parametrize(("make", "inputs"), NETWORKS.values(), ids=NETWORKS)
def test_networks_need_no_implicit_rank_promotion(make, inputs):
    network = make()

    def run(*inputs):
        params = network.init(KEY, *inputs)
        outputs = [network.apply(params, *inputs)]
        if isinstance(network, Critic) and network.pairwise is not None:
            outputs.append(network.pairwise(params, *inputs))
        elif not isinstance(network, Critic) and network.apply_train is not None:
            outputs.append(network.apply_train(KEY, params, (), *inputs))
        return params, outputs

    with jax.numpy_rank_promotion("raise"):
        jax.eval_shape(run, *inputs)


def test_the_discriminator_scores_rows_of_any_shape():
    network = networks.discriminator((4,))
    rows = jnp.ones((3, 2, 2))
    scores = jax.eval_shape(
        lambda rows: network.apply(network.init(KEY, rows), rows), rows
    )
    chex.assert_shape(scores, (3,))
