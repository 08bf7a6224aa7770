"""A discriminator of maxout layers with dropout: that of the first GAN."""

import functools
from collections.abc import Sequence

import jax.numpy as jnp
from flax import linen as nn

from jaxinfo.core.checks import check_finite_number, check_positive
from jaxinfo.core.types import Array, Float, Network
from jaxinfo.networks.adapters import from_linen_in_training
from jaxinfo.networks.layers import symmetric

__all__ = ["maxout_discriminator"]


def maxout_discriminator(
    hidden_sizes: Sequence[int] = (240, 240),
    *,
    num_pieces: int = 5,
    input_dropout: float = 0.2,
    dropout: float = 0.5,
    init_scale: float | None = None,
) -> Network:
    """Layers that take the largest of several affine maps, with dropout before each.

    Source: Goodfellow et al., "Maxout networks", ICML 2013, for the layer; "Generative
        adversarial nets", NeurIPS 2014, section 5, for its use: 240 units of 5 pieces
        twice on MNIST, weights uniform in (-0.005, 0.005).

    Args:
        hidden_sizes: units of each layer.
        num_pieces: affine maps of each unit.
        input_dropout: share of input coordinates left out in training, in [0, 1).
        dropout: share of hidden units left out in training, in [0, 1).
        init_scale: weights are uniform in (-init_scale, init_scale); None for Flax's
            own start.

    Returns:
        A network, `apply(params, x [N, ...]) -> scores [N]`, whose `apply_train` drops
        units.

    Raises:
        ValueError: where a setting is out of its range.
    """
    check_positive(num_pieces=num_pieces)
    for name, share in (("input_dropout", input_dropout), ("dropout", dropout)):
        if share:
            check_finite_number(0.0, 1.0, **{name: share})
    module = _Maxout(
        tuple(hidden_sizes),
        num_pieces,
        float(input_dropout),
        float(dropout),
        init_scale,
    )
    return from_linen_in_training(module)


class _Maxout(nn.Module):
    hidden_sizes: tuple[int, ...]
    num_pieces: int
    input_dropout: float
    dropout: float
    init_scale: float | None

    @nn.compact
    def __call__(
        self, x: Float[Array, "n ..."], is_training: bool = False
    ) -> Float[Array, " n"]:
        dtype = jnp.promote_types(x.dtype, jnp.float32)
        dense = functools.partial(nn.Dense, param_dtype=dtype)
        if self.init_scale is not None:
            dense = functools.partial(dense, kernel_init=symmetric(self.init_scale))
        x = x.reshape(len(x), -1)
        for layer, size in enumerate(self.hidden_sizes):
            share = self.dropout if layer else self.input_dropout
            x = nn.Dropout(share, deterministic=not is_training)(x)
            pieces = dense(size * self.num_pieces)(x)
            x = jnp.max(pieces.reshape(len(x), size, self.num_pieces), axis=-1)
        x = nn.Dropout(self.dropout, deterministic=not is_training)(x)
        return dense(1)(x)[:, 0]
