"""A convolution that is fast on CPUs inside loops and under `vmap` over its weights.

XLA on CPUs has a fast convolution for one order of axes only. It transposes other
orders to that one at the top level of a program, but not inside the body of a loop.
There, the gradient of the weights, which has another order, is more than ten times
slower, and so are weights with a batch axis
(https://github.com/jax-ml/jax/issues/12868).
"""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jaxinfo.core.types import Array, Float

__all__ = ["convolve"]

_ORDER = ("NHWC", "HWIO", "NHWC")
_Pair = tuple[int, int]


def convolve(
    images: Float[Array, "n h w c"],
    kernel: Float[Array, "kh kw c d"],
    strides: Sequence[int],
    padding: str | Sequence[_Pair],
    lhs_dilation: Sequence[int] | None = None,
    rhs_dilation: Sequence[int] | None = None,
    **settings: Any,
) -> Float[Array, "n oh ow d"]:
    """Convolves images like `jax.lax.conv_general_dilated` with channels last.

    On a CPU its derivatives of every order are convolutions in the fast order of axes,
    a batch axis of weights becomes a loop, and there is no forward-mode derivative. On
    other devices, for grouped convolutions, and with a `preferred_element_type`, it
    calls `jax.lax.conv_general_dilated`.

    Args:
        images: channels last.
        kernel: height, width, input channels, output channels.
        strides: along height and width.
        padding: "SAME", "VALID", or pairs (before, after) for height and width.
        lhs_dilation: dilation of the images, the stride of a transposed convolution.
        rhs_dilation: dilation of the kernel.
        **settings: further arguments of `jax.lax.conv_general_dilated`, which Flax's
            `Conv` passes.

    Returns:
        The convolved images.

    Raises:
        ValueError: if padding is a string and the images are dilated.
    """
    special = (
        settings.get("feature_group_count", 1) != 1
        or settings.get("preferred_element_type") is not None
    )
    settings = {"dimension_numbers": _ORDER} | settings
    if special or kernel.ndim != 4 or jax.default_backend() != "cpu":
        return lax.conv_general_dilated(
            *(images, kernel, strides, padding),
            lhs_dilation=lhs_dilation,
            rhs_dilation=rhs_dilation,
            **settings,
        )
    x_dilation, w_dilation = (tuple(d or (1, 1)) for d in (lhs_dilation, rhs_dilation))
    if isinstance(padding, str):
        if x_dilation != (1, 1):
            raise ValueError(
                f"padding must be numbers if the images are dilated, got {padding!r}"
            )
        sizes = [_dilated_size(kernel.shape[axis], w_dilation[axis]) for axis in (0, 1)]
        padding = lax.padtype_to_pads(images.shape[1:3], sizes, strides, padding)
    pads = tuple((int(before), int(after)) for before, after in padding)
    return _convolve(images, kernel, tuple(strides), pads, x_dilation, w_dilation)


def _dilated_size(size: int, dilation: int) -> int:
    return (size - 1) * dilation + 1


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4, 5))
def _convolve(
    x: Array,
    w: Array,
    strides: _Pair,
    pads: tuple[_Pair, _Pair],
    x_dilation: _Pair,
    w_dilation: _Pair,
) -> Array:
    return _looped_over_weights(strides, pads, x_dilation, w_dilation)(x, w)


def _forward(x: Array, w: Array, *geometry: Any) -> tuple[Array, tuple[Array, Array]]:
    return _convolve(x, w, *geometry), (x, w)


def _backward(
    strides: _Pair,
    pads: tuple[_Pair, _Pair],
    x_dilation: _Pair,
    w_dilation: _Pair,
    saved: tuple[Array, Array],
    cotangent: Array,
) -> tuple[Array, Array]:
    """Both gradients as convolutions of the cotangent."""
    x, w = saved
    for_x, for_w = [], []
    for axis in range(2):
        image = _dilated_size(x.shape[1 + axis], x_dilation[axis])
        kernel = _dilated_size(w.shape[axis], w_dilation[axis])
        result = _dilated_size(cotangent.shape[1 + axis], strides[axis])
        before = pads[axis][0]
        start = kernel - 1 - before
        for_x.append((start, image + kernel - 1 - result - start))
        for_w.append((before, kernel + result - 1 - image - before))
    flipped = jnp.flip(w, (0, 1)).swapaxes(2, 3)
    to_x: Array = _convolve(
        cotangent, flipped, x_dilation, tuple(for_x), strides, w_dilation
    )
    # The batch and channel axes change places.
    to_w: Array = _convolve(
        x.transpose(3, 1, 2, 0),
        cotangent.transpose(1, 2, 0, 3),
        *(w_dilation, tuple(for_w), x_dilation, strides),
    )
    return to_x, jnp.transpose(to_w, (1, 2, 0, 3))


_convolve.defvjp(_forward, _backward)


def _looped_over_weights(*geometry: Any) -> Any:
    """The convolution of one geometry, in which a batch axis of weights is a loop."""
    strides, pads, x_dilation, w_dilation = geometry

    @jax.custom_batching.custom_vmap
    def convolve_one(x: Array, w: Array) -> Array:
        return lax.conv_general_dilated(
            *(x, w, strides, pads, x_dilation, w_dilation), dimension_numbers=_ORDER
        )

    @convolve_one.def_vmap
    def over_batches(size: int, batched: list[bool], x: Array, w: Array):
        if batched[1]:
            x = x if batched[0] else jnp.broadcast_to(x, (size, *x.shape))
            return lax.map(lambda xw: convolve_one(*xw), (x, w)), True
        merged = convolve_one(x.reshape(-1, *x.shape[2:]), w)
        return merged.reshape(size, -1, *merged.shape[1:]), True

    return convolve_one
