"""The step of Deep InfoMax: gradients by hand, statistics, seeds, resuming, input."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxinfo import networks
from jaxinfo.core.types import Critic, Network
from jaxinfo.infomax import make_deep_infomax, train_deep_infomax
from jaxinfo.training import sweep

IMAGES = np.random.default_rng(0).normal(size=(12, 2, 2, 3)).astype(np.float32)
KEY = jax.random.key(0)


def _init(key, images):
    return {"w": jax.random.normal(key, (3, 2)), "v": jnp.ones((2, 2)) / 3}


def _encode(params, images):
    features = jnp.tanh(images @ params["w"])
    return features, jnp.mean(features, axis=(1, 2)) @ params["v"]


ENCODER = Network(_init, _encode)
DOT = Critic(
    lambda key, x, y: {"scale": jnp.ones(x.shape[1:])},
    lambda params, x, y: jnp.sum(params["scale"] * x * y, axis=1),
    lambda params, x, y: (params["scale"] * x) @ y.T,
)
GLOBAL = Critic(
    lambda key, x, y: jnp.ones((x.shape[1], y.shape[1])) / 9,
    lambda params, x, y: jnp.sum(x @ params * y, axis=1),
    lambda params, x, y: x @ params @ y.T,
)
PRIOR = Network(lambda key, y: jnp.ones(2), lambda params, y: jnp.sin(y @ params))
SGD = optax.sgd(0.1)


def _make(**settings):
    settings = {"optimizer": SGD, "local_critic": DOT, "prior_critic": PRIOR} | settings
    return make_deep_infomax(ENCODER, **settings)


def _start(infomax):
    return jax.jit(infomax.init)(KEY, IMAGES)


def _softplus(x):
    return jnp.log1p(jnp.exp(x))


def _jsd(scores, own):
    joint = jnp.sum(jnp.where(own, -_softplus(-scores), 0)) / jnp.sum(own)
    product = jnp.sum(jnp.where(own, 0, _softplus(scores))) / jnp.sum(~own)
    return 2 * jnp.log(2) + joint - product


def test_a_step_descends_the_printed_losses():
    with jax.enable_x64(True):
        images = IMAGES.astype(float)
        prior = np.asarray(jax.random.uniform(jax.random.key(5), (12, 2)))
        infomax = _make(
            global_critic=GLOBAL,
            global_weight=0.5,
            local_weight=0.1,
            prior_weight=0.3,
            prior_penalties=(),
            sample_prior=lambda key, shape: prior,
        )
        state = jax.jit(infomax.init)(KEY, images)
        moved, info = jax.jit(infomax.step)(KEY, state, images)

        def score_prior(critic, codes):
            return tuple(
                jnp.sin(rows @ critic) for rows in (prior, 1 / (1 + jnp.exp(-codes)))
            )

        def of_encoder(params):
            features, codes = _encode(params["encoder"], images)
            flat = features.reshape(12, 4, 2)
            scale = params["local_critic"]["scale"]
            local = jnp.einsum("ilc,c,jc->ilj", flat, scale, codes)
            whole = flat.reshape(12, 8) @ params["global_critic"] @ codes.T
            own = jnp.eye(12, dtype=bool)
            _, fake = score_prior(state.players.discriminator, codes)
            bounds = (
                _jsd(whole, own),
                _jsd(local, jnp.broadcast_to(own[:, None], local.shape)),
            )
            match = jnp.mean(_softplus(-fake))
            return -0.5 * bounds[0] - 0.1 * bounds[1] + 0.3 * match, bounds

        def of_critic(critic):
            real, fake = score_prior(
                critic, _encode(state.players.generator["encoder"], images)[1]
            )
            return jnp.mean(_softplus(-real)) + jnp.mean(_softplus(fake))

        of_encoder = jax.jit(jax.value_and_grad(of_encoder, has_aux=True))
        (loss, bounds), slope = of_encoder(state.players.generator)
        np.testing.assert_allclose(info.loss, loss, rtol=1e-10)
        np.testing.assert_allclose([info.global_bound, info.local_bound], bounds)
        np.testing.assert_allclose(info.gradient_norm, optax.tree.norm(slope))
        expected = jax.tree.map(
            lambda x, s: np.asarray(x) - 0.1 * np.asarray(s),
            state.players.generator,
            slope,
        )
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12),
            moved.players.generator,
            expected,
        )
        critic = state.players.discriminator
        total, slope = jax.jit(jax.value_and_grad(of_critic))(critic)
        np.testing.assert_allclose(
            moved.players.discriminator,
            np.asarray(critic) - 0.1 * np.asarray(slope),
            rtol=1e-9,
        )
        np.testing.assert_allclose(info.prior_bound, 2 * np.log(2) - total, rtol=1e-9)


def test_terms_that_are_absent_are_told_so():
    infomax = make_deep_infomax(ENCODER, optimizer=SGD, local_critic=DOT)
    state, info = jax.jit(infomax.step)(KEY, _start(infomax), IMAGES)
    assert np.isnan(info.global_bound)
    assert np.isnan(info.prior_bound)
    assert np.isfinite(info.local_bound)
    assert set(state.players.generator) == {"encoder", "local_critic"}


def test_a_network_starts_the_same_whichever_others_there_are():
    alone = make_deep_infomax(ENCODER, optimizer=SGD, global_critic=GLOBAL)
    first, second = (
        _start(infomax).players.generator["encoder"] for infomax in (alone, _make())
    )
    jax.tree.map(np.testing.assert_array_equal, first, second)


def _counted(key, params, state, images):
    del key, state
    seen = {"seen": params["seen"] + jnp.mean(images), "calls": params["calls"] + 1}
    return _encode(params, images), seen


COUNTING = Network(
    lambda key, x: _init(key, x) | {"seen": jnp.zeros(()), "calls": jnp.zeros(())},
    _encode,
    _counted,
)


@pytest.mark.parametrize("update", ["simultaneous", "alternating"])
def test_running_statistics_are_kept_beside_the_parameters(update):
    infomax = make_deep_infomax(
        COUNTING,
        optimizer=optax.adam(0.1),
        local_critic=DOT,
        prior_critic=PRIOR,
        update=update,
    )
    state, step = _start(infomax), jax.jit(infomax.step)
    for _ in range(2):
        state, _ = step(KEY, state, IMAGES)
    params = state.players.generator["encoder"]
    assert params["calls"] == 2
    np.testing.assert_allclose(params["seen"], 2 * np.mean(IMAGES), rtol=1e-5)


def test_the_code_alone_is_made_from_what_is_not_occluded():
    infomax = make_deep_infomax(
        ENCODER,
        optimizer=SGD,
        local_critic=DOT,
        occlude=lambda key, images: images * 0,
    )
    state = _start(infomax)
    _, info = jax.jit(infomax.step)(KEY, state, IMAGES)
    # A code of nothing tells nothing.
    np.testing.assert_allclose(info.local_bound, 0, atol=1e-6)
    assert np.any(jax.jit(infomax.encode)(state, IMAGES)[1])


def test_images_are_augmented_in_the_step_alone():
    shifted = _make(augment=lambda key, images: images + 1)
    plain = _make()
    state = _start(plain)
    _, first = jax.jit(shifted.step)(KEY, state, IMAGES)
    _, second = jax.jit(plain.step)(KEY, state, IMAGES + 1)
    np.testing.assert_allclose(first.loss, second.loss, rtol=1e-6)
    np.testing.assert_array_equal(
        *(jax.jit(infomax.encode)(state, IMAGES)[1] for infomax in (shifted, plain))
    )


def test_bytes_are_fractions_of_255():
    infomax = _make()
    state, encode = _start(infomax), jax.jit(infomax.encode)
    pixels = np.arange(12 * 12, dtype=np.uint8).reshape(IMAGES.shape)
    for bytes_, floats in zip(
        encode(state, pixels),
        encode(state, (pixels / 255).astype(np.float32)),
        strict=True,
    ):
        np.testing.assert_allclose(bytes_, floats, rtol=1e-5)


def test_a_training_that_is_not_finite_stops_alone():
    infomax = _make()
    state = _start(infomax)
    states = jax.tree.map(lambda x: np.stack([x, x]), state)
    batches = np.stack([IMAGES, np.full_like(IMAGES, np.nan)])
    step = jax.jit(jax.vmap(infomax.step, (None, 0, 0)))
    moved, info = step(KEY, states, batches)
    assert moved.stopped_at.tolist() == [-1, 0]
    assert info.is_stopped.tolist() == [False, True]
    jax.tree.map(
        lambda new, old: np.testing.assert_array_equal(new[1], old),
        moved.players,
        state.players,
    )
    alone, _ = step(KEY, states, np.stack([IMAGES, IMAGES]))
    jax.tree.map(
        lambda a, b: np.testing.assert_array_equal(a[0], b[0]),
        moved.players,
        alone.players,
    )


def _run(key, images):
    run = train_deep_infomax(
        key,
        _make(optimizer=optax.adam(1e-2)),
        images,
        num_steps=40,
        batch_size=6,
        eval_every=20,
    )
    return run.state, run.history


@pytest.mark.parametrize("layout", ["map", "vmap"])
def test_seeds_match_seeds_alone(layout):
    keys = jax.random.split(KEY, 3)
    with jax.enable_x64(True):
        images = IMAGES.astype(float)
        state, history = sweep(_run, keys, images, layout=layout)
        alone, _ = sweep(_run, keys[1:2], images, layout="map")
    assert history.loss.shape == (3, 2)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(
            a[1], b[0], rtol=0 if layout == "map" else 1e-10, atol=1e-12
        ),
        state.players,
        alone.players,
    )


def test_a_training_in_chunks_is_the_unbroken_one():
    def train(state, images):
        run = train_deep_infomax(
            KEY, _make(), images, num_steps=20, batch_size=6, eval_every=20, state=state
        )
        return run.state

    images = jnp.asarray(IMAGES)
    half = jax.jit(train)(None, images)
    whole, _ = jax.jit(_run_plain)(images)
    jax.tree.map(np.testing.assert_array_equal, jax.jit(train)(half, images), whole)


def _run_plain(images):
    run = train_deep_infomax(
        KEY, _make(), images, num_steps=40, batch_size=6, eval_every=20
    )
    return run.state, run.observed


def test_the_step_keeps_the_structure_of_its_state():
    infomax = _make(global_critic=GLOBAL)
    state = _start(infomax)
    moved, _ = jax.eval_shape(infomax.step, KEY, state, IMAGES)
    assert jax.tree.structure(moved) == jax.tree.structure(state)
    for new, old in zip(jax.tree.leaves(moved), jax.tree.leaves(state), strict=True):
        assert (new.shape, new.dtype) == (old.shape, old.dtype)


def _encoder_of(output):
    return Network(_init, lambda params, images: output(*_encode(params, images)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: make_deep_infomax(ENCODER, optimizer=SGD),
            "global_critic or local_critic",
        ),
        (lambda: _make(bound="JSD"), "unknown bound 'JSD'"),
        (lambda: _make(update="adam"), "unknown"),
        (lambda: make_deep_infomax(3, optimizer=SGD, local_critic=DOT), "encoder must"),
        (lambda: _make().init(KEY, IMAGES[:0]), "images must have rows"),
        (lambda: _make().init(KEY, IMAGES * np.nan), "images must be finite"),
        (lambda: _make().init(0, IMAGES), "key must be made by"),
        (
            lambda: make_deep_infomax(
                _encoder_of(lambda features, code: code),
                optimizer=SGD,
                local_critic=DOT,
            ).init(KEY, IMAGES),
            "encoder must return a tuple of local features",
        ),
        (
            lambda: make_deep_infomax(
                _encoder_of(lambda features, code: (code, features)),
                optimizer=SGD,
                local_critic=DOT,
            ).init(KEY, IMAGES),
            "encoder must return a tuple of local features",
        ),
        (
            lambda: _make(prior_critic=Network(lambda key, y: (), lambda p, y: y)).init(
                KEY, IMAGES
            ),
            "prior_critic must return one",
        ),
        (
            lambda: _make().step(KEY, _start(_make()), IMAGES[:1]),
            "batch of at least two",
        ),
        (
            lambda: train_deep_infomax(
                KEY, _make(), IMAGES, num_steps=2, batch_size=13, eval_every=1
            ),
            "batch_size must be at most the 12 images",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.slow
def test_a_large_batch_of_64_pixels_fits_in_four_gigabytes():
    infomax = make_deep_infomax(
        networks.convolutional_encoder((64, 64, 3)),
        optimizer=optax.adam(1e-4),
        bound="info_nce",
        local_critic=networks.embedding_critic(),
        prior_critic=networks.discriminator((1_000, 200)),
    )
    images = jax.ShapeDtypeStruct((256, 64, 64, 3), jnp.uint8)
    key = jax.eval_shape(lambda: KEY)
    state = jax.eval_shape(infomax.init, KEY, jnp.zeros((2, 64, 64, 3)))
    needed = jax.jit(infomax.step).lower(key, state, images).compile().memory_analysis()
    of_step = needed.temp_size_in_bytes + needed.output_size_in_bytes
    assert of_step + needed.argument_size_in_bytes < 4e9
