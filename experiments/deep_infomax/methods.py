"""Methods that train an encoder, with one interface, so that probes compare them."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from experiments.deep_infomax.config import Preset
from jaxinfo import networks
from jaxinfo.core.types import Network, apply_in_training
from jaxinfo.infomax import GlobalTerm, LocalTerm, PriorTerm, make_deep_infomax
from jaxinfo.training import make_gradient_descent

__all__ = ["METHODS", "Method", "Parts"]


class Method(NamedTuple):
    """A training of an encoder as pure functions.

    Attributes:
        start: `start(key, images) -> state`.
        step: `step(key, state, (images, labels)) -> (state, metrics)`; None if nothing
            is trained.
        encode: `encode(state, images)`, features by layer: "conv", "fc" and "y", the
            representation.
    """

    start: Callable[..., Any]
    step: Callable[..., tuple[Any, Any]] | None
    encode: Callable[..., dict[str, jax.Array]]


class Parts(NamedTuple):
    """Networks and settings that all methods share.

    Attributes:
        preset: sizes of networks and numbers of updates.
        image_shape: shape of an image.
        num_classes: number of classes of the data.
        normalization: normalization of the encoder.
    """

    preset: Preset
    image_shape: tuple[int, ...]
    num_classes: int
    normalization: str

    def encoder(self, num_outputs: int = 1) -> Network:
        """The encoder of all methods, with `num_outputs` vectors as representation."""
        return networks.convolutional_encoder(
            self.image_shape,
            width=self.preset.width,
            hidden_size=self.preset.hidden_size,
            representation_size=num_outputs * self.preset.representation_size,
            normalization=self.normalization,
        )

    def decoder(self) -> Network:
        """A network from a representation to an image."""
        return networks.convolutional_generator(
            self.image_shape, width=self.preset.decoder_width, normalizes_batch=False
        )


def _layers(encoding: networks.Encoding) -> dict[str, jax.Array]:
    return {"conv": encoding.conv, "fc": encoding.hidden, "y": encoding.representation}


# Deep InfoMax ----------------------------------------------------------------------


class Weights(NamedTuple):
    """Alpha, beta and gamma of the paper; a term of weight 0 is left out."""

    global_term: float
    local_term: float
    prior_term: float


# DIM(L), DIM(G) and DIM(L+G) of the paper.
LOCAL, GLOBAL, BOTH = Weights(0, 1, 0.1), Weights(1, 0, 1), Weights(0.5, 0.1, 0.1)


def _deep_infomax(bound: str, weights: Weights, parts: Parts) -> Method:
    preset = parts.preset
    critic = networks.embedding_critic(preset.critic_units)
    terms = [
        GlobalTerm(critic, bound=bound, weight=weights.global_term),
        LocalTerm(critic, bound=bound, weight=weights.local_term),
        PriorTerm(
            networks.discriminator(preset.prior_sizes), weight=weights.prior_term
        ),
    ]
    infomax = make_deep_infomax(
        parts.encoder(),
        terms=[term for term in terms if term.weight],
        optimizer=optax.adam(preset.learning_rate),
    )

    def step(key: jax.Array, state: Any, batch: Any) -> tuple[Any, Any]:
        return infomax.step(key, state, batch[0])

    def encode(state: Any, images: jax.Array) -> dict[str, jax.Array]:
        return _layers(infomax.encode(state, images))

    return Method(infomax.init, step, encode)


# Baselines -------------------------------------------------------------------------


def _descent(
    parts: Parts,
    encoder: Network,
    other: Network,
    make_loss: Callable[..., Any],
    encode: Callable[[networks.Encoding], dict[str, jax.Array]] = _layers,
) -> Method:
    """Trains an encoder and a network on its representation by one loss."""

    def init_params(key: jax.Array, images: jax.Array) -> dict[str, Any]:
        encoder_key, other_key = jax.random.split(key)
        params = encoder.init(encoder_key, _pixels(images[:2]))
        example = jnp.zeros((2, parts.preset.representation_size))
        return {"encoder": params, "other": other.init(other_key, example)}

    init, step = make_gradient_descent(
        init_params,
        functools.partial(make_loss, encoder, other),
        optax.adam(parts.preset.learning_rate),
    )

    def encode_images(state: Any, images: jax.Array) -> dict[str, jax.Array]:
        return encode(encoder.apply(state.params["encoder"], _pixels(images)))

    return Method(init, step, encode_images)


def _pixels(images: jax.Array) -> jax.Array:
    return images.astype(float) / 255


def _encode(encoder: Network, key: jax.Array, params: Any, images: jax.Array):
    return apply_in_training(encoder, key, params["encoder"], images)


def _reconstruction(
    encoder: Network, decoder: Network, key: jax.Array, params: Any, batch: Any
):
    images = _pixels(batch[0])
    encoding, state = _encode(encoder, key, params, images)
    decoded = decoder.apply(params["other"], encoding.representation)
    return jnp.mean((decoded - images) ** 2), {"encoder": state}


def _evidence_bound(
    encoder: Network, decoder: Network, key: jax.Array, params: Any, batch: Any
):
    """The negative evidence lower bound, nats per image, with Bernoulli pixels."""
    images = _pixels(batch[0])
    encoder_key, noise_key = jax.random.split(key)
    encoding, state = _encode(encoder, encoder_key, params, images)
    mean, log_variance = jnp.split(encoding.representation, 2, axis=1)
    noise = jax.random.normal(noise_key, mean.shape, mean.dtype)
    decoded = decoder.apply(params["other"], mean + jnp.exp(log_variance / 2) * noise)
    decoded = jnp.clip(decoded, 1e-6, 1 - 1e-6)
    reconstruction = -images * jnp.log(decoded) - (1 - images) * jnp.log1p(-decoded)
    divergence = (mean**2 + jnp.exp(log_variance) - log_variance - 1) / 2
    loss = jnp.sum(reconstruction) / len(images) + jnp.sum(divergence) / len(images)
    return loss, {"encoder": state}


def _cross_entropy(
    encoder: Network, head: Network, key: jax.Array, params: Any, batch: Any
):
    images, labels = batch
    encoding, state = _encode(encoder, key, params, _pixels(images))
    logits = head.apply(params["other"], encoding.representation)
    losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
    return jnp.mean(losses), {"encoder": state}


def _autoencoder(parts: Parts) -> Method:
    return _descent(parts, parts.encoder(), parts.decoder(), _reconstruction)


def _vae(parts: Parts) -> Method:
    def means(encoding: networks.Encoding) -> dict[str, jax.Array]:
        mean = encoding.representation[:, : parts.preset.representation_size]
        return _layers(encoding._replace(representation=mean))

    return _descent(parts, parts.encoder(2), parts.decoder(), _evidence_bound, means)


def _supervised(parts: Parts) -> Method:
    head = networks.mlp((), parts.num_classes)
    return _descent(parts, parts.encoder(), head, _cross_entropy)


def _random_encoder(parts: Parts) -> Method:
    method = _supervised(parts)
    return method._replace(step=None)


def _raw_pixels(parts: Parts) -> Method:
    del parts

    def encode(state: Any, images: jax.Array) -> dict[str, jax.Array]:
        del state
        return {"y": _pixels(images).reshape(len(images), -1)}

    return Method(lambda key, images: (), None, encode)


METHODS: dict[str, Callable[[Parts], Method]] = {
    "local_jsd": functools.partial(_deep_infomax, "jensen_shannon", LOCAL),
    "local_dv": functools.partial(_deep_infomax, "donsker_varadhan", LOCAL),
    "local_info_nce": functools.partial(_deep_infomax, "info_nce", LOCAL),
    "global_jsd": functools.partial(_deep_infomax, "jensen_shannon", GLOBAL),
    "global_info_nce": functools.partial(_deep_infomax, "info_nce", GLOBAL),
    "local_global_jsd": functools.partial(_deep_infomax, "jensen_shannon", BOTH),
    "random_encoder": _random_encoder,
    "autoencoder": _autoencoder,
    "vae": _vae,
    "raw_pixels": _raw_pixels,
    "supervised": _supervised,
}
