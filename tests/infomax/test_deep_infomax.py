"""Deep InfoMax: gradients, own terms, statistics, seeds, resuming, bad input."""

import inspect
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxinfo import networks
from jaxinfo.core.types import Critic, Network
from jaxinfo.infomax import (
    CoordinateTerm,
    DisplacementTerm,
    GlobalTerm,
    LocalTerm,
    PriorTerm,
    make_deep_infomax,
    train_deep_infomax,
)
from tests.infomax.small_encoder import (
    DOT,
    ENCODER,
    GLOBAL,
    IMAGES,
    KEY,
    LOCAL,
    PRIOR,
    SGD,
    encode,
    init_encoder,
    init_small,
    make_small,
)


def _softplus(x):
    return jnp.log1p(jnp.exp(x))


def _jsd(scores, own):
    joint = jnp.sum(jnp.where(own, -_softplus(-scores), 0)) / jnp.sum(own)
    product = jnp.sum(jnp.where(own, 0, _softplus(scores))) / jnp.sum(~own)
    return 2 * jnp.log(2) + joint - product


@pytest.mark.slow
def test_a_step_is_gradient_descent_on_the_losses_of_the_paper():
    with jax.enable_x64(True):
        images = IMAGES.astype(float)
        prior = np.asarray(jax.random.uniform(jax.random.key(5), (12, 2)))
        infomax = make_small(
            GlobalTerm(GLOBAL, weight=0.5),
            LocalTerm(DOT, weight=0.1),
            PriorTerm(
                PRIOR,
                weight=0.3,
                penalties=(),
                sample_prior=lambda key, shape: prior,
            ),
        )
        state = jax.jit(infomax.init)(KEY, images)
        moved, info = jax.jit(infomax.step)(KEY, state, images)

        def score_prior(critic, representations):
            squashed = 1 / (1 + jnp.exp(-representations))
            return tuple(jnp.sin(rows @ critic) for rows in (prior, squashed))

        def encoder_loss(params):
            features, representations = encode(params["encoder"], images)
            flat = features.reshape(12, 4, 2)
            scale = params["local"]["scale"]
            local = jnp.einsum("ilc,c,jc->ilj", flat, scale, representations)
            whole = flat.reshape(12, 8) @ params["global"] @ representations.T
            is_positive = jnp.eye(12, dtype=bool)
            _, fake = score_prior(state.params["prior"], representations)
            bounds = (
                _jsd(whole, is_positive),
                _jsd(local, jnp.broadcast_to(is_positive[:, None], local.shape)),
            )
            match = jnp.mean(_softplus(-fake))
            return -0.5 * bounds[0] - 0.1 * bounds[1] + 0.3 * match, bounds

        def discriminator_loss(critic):
            representations = encode(state.params["encoder"], images)[1]
            real, fake = score_prior(critic, representations)
            return jnp.mean(_softplus(-real)) + jnp.mean(_softplus(fake))

        critic = state.params["prior"]
        trained = {name: own for name, own in state.params.items() if name != "prior"}
        compute = jax.jit(jax.value_and_grad(encoder_loss, has_aux=True))
        (loss, bounds), gradient = compute(trained)
        np.testing.assert_allclose(info.loss, loss, rtol=1e-10)
        np.testing.assert_allclose(
            [info.terms[name]["bound"] for name in ("global", "local")], bounds
        )
        np.testing.assert_allclose(info.gradient_norm, optax.tree.norm(gradient))
        total, of_critic = jax.jit(jax.value_and_grad(discriminator_loss))(critic)
        expected = jax.tree.map(
            lambda x, step: np.asarray(x) - 0.1 * np.asarray(step),
            {**trained, "prior": critic},
            {**gradient, "prior": of_critic},
        )
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12),
            moved.params,
            expected,
        )
        np.testing.assert_allclose(
            info.terms["prior"]["bound"], 2 * np.log(2) - total, rtol=1e-9
        )


def test_state_and_metrics_hold_the_terms_by_name():
    infomax = make_small(LOCAL, LocalTerm(DOT, bound="info_nce", name="second"))
    state, info = jax.jit(infomax.step)(KEY, init_small(infomax), IMAGES)
    assert set(state.params) == {"encoder", "local", "second"}
    assert set(info.terms) == {"local", "second"}
    assert info.terms["local"]["loss"] == -info.terms["local"]["bound"]
    np.testing.assert_allclose(
        info.loss, sum(each["loss"] for each in info.terms.values()), rtol=1e-5
    )


# Networks and images ---------------------------------------------------------------


class VarianceTerm(NamedTuple):
    """Keeps the standard deviation of each coordinate above 1."""

    weight: float = 1.0
    name: str = "variance"

    def init(self, key, features, representations):
        return ()

    def loss(self, key, params, features, representations):
        sd = jnp.std(representations, axis=0)
        return jnp.mean(jnp.maximum(0, 1 - sd)), {"smallest_sd": jnp.min(sd)}


def test_initial_weights_do_not_depend_on_other_terms():
    random = Critic(lambda key, x, y: {"scale": jax.random.normal(key, (2,))}, *DOT[1:])
    critics = (
        make_small(LocalTerm(random), VarianceTerm()),
        make_small(LocalTerm(random)),
    )
    for name in ("encoder", "local"):
        first, second = (init_small(infomax).params[name] for infomax in critics)
        jax.tree.map(np.testing.assert_array_equal, first, second)
    first, second = (
        init_small(infomax).params["encoder"] for infomax in (make_small(), critics[0])
    )
    jax.tree.map(np.testing.assert_array_equal, first, second)


def _counted(key, params, state, images):
    del key, state
    seen = {"seen": params["seen"] + jnp.mean(images), "calls": params["calls"] + 1}
    return encode(params, images), seen


COUNTING = Network(
    lambda key, x: (
        init_encoder(key, x) | {"seen": jnp.zeros(()), "calls": jnp.zeros(())}
    ),
    encode,
    _counted,
)


def test_running_statistics_are_updated_once_per_step_and_not_by_the_optimizer():
    infomax = make_deep_infomax(
        COUNTING, optimizer=optax.adam(0.1), terms=[LOCAL, PriorTerm(PRIOR)]
    )
    state, step = init_small(infomax), jax.jit(infomax.step)
    for _ in range(2):
        state, _ = step(KEY, state, IMAGES)
    params = state.params["encoder"]
    assert params["calls"] == 2
    np.testing.assert_allclose(params["seen"], 2 * np.mean(IMAGES), rtol=1e-5)


def test_only_representations_are_computed_from_occluded_images():
    infomax = make_small(LOCAL, occlude=lambda key, images: images * 0)
    state = init_small(infomax)
    _, info = jax.jit(infomax.step)(KEY, state, IMAGES)
    # Equal representations of all images hold no information about them.
    np.testing.assert_allclose(info.terms["local"]["bound"], 0, atol=1e-6)
    assert np.any(jax.jit(infomax.encode)(state, IMAGES)[1])


def test_images_are_augmented_in_the_step_but_not_in_encode():
    shifted = make_small(augment=lambda key, images: images + 1)
    plain = make_small()
    state = init_small(plain)
    _, first = jax.jit(shifted.step)(KEY, state, IMAGES)
    _, second = jax.jit(plain.step)(KEY, state, IMAGES + 1)
    np.testing.assert_allclose(first.loss, second.loss, rtol=1e-6)
    np.testing.assert_array_equal(
        *(jax.jit(infomax.encode)(state, IMAGES)[1] for infomax in (shifted, plain))
    )


def test_unsigned_bytes_are_divided_by_255():
    infomax = make_small()
    state, encode = init_small(infomax), jax.jit(infomax.encode)
    pixels = np.arange(12 * 12, dtype=np.uint8).reshape(IMAGES.shape)
    for bytes_, floats in zip(
        encode(state, pixels),
        encode(state, (pixels / 255).astype(np.float32)),
        strict=True,
    ):
        np.testing.assert_allclose(bytes_, floats, rtol=1e-5)


def test_one_nonfinite_training_stops_and_the_others_continue():
    infomax = make_small()
    state = init_small(infomax)
    states = jax.tree.map(lambda x: np.stack([x, x]), state)
    batches = np.stack([IMAGES, np.full_like(IMAGES, np.nan)])
    step = jax.jit(jax.vmap(infomax.step, (None, 0, 0)))
    moved, info = step(KEY, states, batches)
    assert moved.stopped_at.tolist() == [-1, 0]
    assert info.is_stopped.tolist() == [False, True]
    jax.tree.map(
        lambda new, old: np.testing.assert_array_equal(new[1], old),
        moved.params,
        state.params,
    )
    alone, _ = step(KEY, states, np.stack([IMAGES, IMAGES]))
    jax.tree.map(
        lambda a, b: np.testing.assert_array_equal(a[0], b[0]),
        moved.params,
        alone.params,
    )


def test_the_step_keeps_the_structure_and_dtypes_of_its_state():
    infomax = make_small(GlobalTerm(GLOBAL), LOCAL, PriorTerm(PRIOR))
    state = init_small(infomax)
    moved, _ = jax.eval_shape(infomax.step, KEY, state, IMAGES)
    assert jax.tree.structure(moved) == jax.tree.structure(state)
    for new, old in zip(jax.tree.leaves(moved), jax.tree.leaves(state), strict=True):
        assert (new.shape, new.dtype) == (old.shape, old.dtype)


def _encoder_of(output):
    return Network(init_encoder, lambda params, images: output(*encode(params, images)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: make_deep_infomax(ENCODER, terms=[], optimizer=SGD), "at least one"),
        (
            lambda: make_small(LOCAL, DOT),
            r"terms\[1\] must have name, weight, init and loss",
        ),
        (
            lambda: make_small(LOCAL, LOCAL),
            "terms must have names that differ .* local",
        ),
        (lambda: make_small(LocalTerm(DOT, name="encoder")), "from 'encoder'"),
        (lambda: LocalTerm(DOT, bound="JSD"), "unknown bound 'JSD'"),
        (lambda: GlobalTerm(DOT, bound="JSD"), "unknown bound 'JSD'"),
        (lambda: PriorTerm(PRIOR, objective="adam"), "unknown objective 'adam'"),
        (lambda: PriorTerm(3), "discriminator must be a Network"),
        (lambda: CoordinateTerm(3), "network must be a Network"),
        (
            lambda: make_deep_infomax(3, optimizer=SGD, terms=[LOCAL]),
            "encoder must be a Network",
        ),
        (lambda: make_small().init(KEY, IMAGES[:0]), "images must have rows"),
        (lambda: make_small().init(KEY, IMAGES * np.nan), "images must be finite"),
        (lambda: make_small().init(0, IMAGES), "key must be made by"),
        (
            lambda: make_deep_infomax(
                _encoder_of(lambda features, representations: representations),
                optimizer=SGD,
                terms=[LOCAL],
            ).init(KEY, IMAGES),
            "encoder must return a tuple of local features",
        ),
        (
            lambda: make_deep_infomax(
                _encoder_of(
                    lambda features, representations: (representations, features)
                ),
                optimizer=SGD,
                terms=[LOCAL],
            ).init(KEY, IMAGES),
            "encoder must return a tuple of local features",
        ),
        (
            lambda: make_small(PriorTerm((lambda key, y: (), lambda p, y: y))).init(
                KEY, IMAGES
            ),
            "discriminator must return one floating-point score",
        ),
        (
            lambda: make_small(
                LocalTerm(Critic(lambda key, x, y: (), lambda p, x, y: x))
            ).init(KEY, IMAGES),
            "critic must return one floating-point score",
        ),
        (
            lambda: make_small().step(KEY, init_small(make_small()), IMAGES[:1]),
            "batch of at least two",
        ),
        (
            lambda: train_deep_infomax(
                KEY, make_small(), IMAGES, num_steps=2, batch_size=13, eval_every=1
            ),
            "batch_size must be at most the 12 images",
        ),
    ],
)
def test_errors_name_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_methods_have_signatures_and_docstrings_and_a_short_repr():
    infomax = make_small()
    assert list(inspect.signature(infomax.step).parameters) == [
        "key",
        "state",
        "images",
    ]
    assert "Args:" in infomax.step.__doc__
    assert repr(infomax).startswith("DeepInfomax(terms=[LocalTerm(bound=")
    assert "<function" not in repr(infomax)


@pytest.mark.slow
def test_arrays_are_broadcast_explicitly():
    infomax = make_deep_infomax(
        ENCODER,
        optimizer=SGD,
        terms=[
            GlobalTerm(GLOBAL, bound="donsker_varadhan"),
            LOCAL,
            CoordinateTerm(networks.mlp((4,), 4)),
            DisplacementTerm(networks.mlp((4,), 6)),
            PriorTerm(networks.discriminator((4,))),
        ],
    )
    with jax.numpy_rank_promotion("raise"):
        state = infomax.init(KEY, IMAGES)
        _, info = jax.jit(infomax.step)(KEY, state, IMAGES)
    total = sum(term.weight * info.terms[term.name]["loss"] for term in infomax.terms)
    np.testing.assert_allclose(info.loss, total, rtol=1e-5)


@pytest.mark.slow
def test_a_step_of_256_images_of_64_pixels_needs_less_than_four_gigabytes():
    critic = networks.embedding_critic()
    infomax = make_deep_infomax(
        networks.convolutional_encoder((64, 64, 3)),
        optimizer=optax.adam(1e-4),
        terms=[
            LocalTerm(critic, bound="info_nce"),
            PriorTerm(networks.discriminator((1_000, 200))),
        ],
    )
    images = jax.ShapeDtypeStruct((256, 64, 64, 3), jnp.uint8)
    key = jax.eval_shape(lambda: KEY)
    state = jax.eval_shape(infomax.init, KEY, jnp.zeros((2, 64, 64, 3)))
    needed = jax.jit(infomax.step).lower(key, state, images).compile().memory_analysis()
    of_step = needed.temp_size_in_bytes + needed.output_size_in_bytes
    assert of_step + needed.argument_size_in_bytes < 4e9
