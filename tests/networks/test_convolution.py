"""The convolution against that of JAX: values, derivatives, batches of weights."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxinfo.networks.convolution import convolve

KEY = jax.random.key(0)
GEOMETRIES = [
    ((1, 1), "SAME", None, None),
    ((2, 2), "SAME", None, None),
    ((2, 3), "VALID", None, None),
    ((2, 2), [(0, 3), (1, 0)], None, None),
    ((1, 1), [(2, 2), (2, 2)], (2, 2), None),
    ((3, 1), [(2, 1), (0, 2)], (2, 3), None),
    ((1, 2), "SAME", None, (2, 3)),
]


def _reference(x, w, strides, padding, x_dilation, w_dilation):
    return lax.conv_general_dilated(
        *(x, w, strides, padding, x_dilation, w_dilation),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


def _arrays(kernel=(4, 3)):
    rng = np.random.default_rng(0)
    shapes = (3, 9, 8, 2), (*kernel, 2, 5)
    return [rng.normal(size=shape).astype(np.float32) for shape in shapes]


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=range(len(GEOMETRIES)))
def test_values_and_gradients_are_those_of_jax(geometry):
    def first(convolution, x, w):
        return jnp.sum(jnp.sin(convolution(x, w, *geometry)))

    def second(convolution, x, w):
        gradients = jax.grad(first, argnums=(1, 2))(convolution, x, w)
        return sum(jnp.sum(g**3) for g in gradients)

    @jax.jit
    def compute(x, w):
        return [
            [
                jax.value_and_grad(function, argnums=(1, 2))(convolution, x, w)
                for function in (first, second)
            ]
            for convolution in (convolve, _reference)
        ]

    found, expected = compute(*_arrays())
    chex.assert_trees_all_close(found, expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("axes", [(0, 0), (0, None), (None, 0)], ids=str)
def test_vmap_over_images_and_weights(axes):
    x, w = _arrays()
    x = np.stack([x, 2 * x]) if axes[0] == 0 else x
    w = np.stack([w, 1 - w]) if axes[1] == 0 else w

    def gradients(convolution, x, w):
        def loss(x, w):
            return jnp.sum(jnp.sin(convolution(x, w, (2, 2), "SAME", None, None)))

        return jax.value_and_grad(loss, argnums=(0, 1))(x, w)

    @jax.jit
    def compute(x, w):
        return [
            jax.vmap(functools.partial(gradients, convolution), in_axes=axes)(x, w)
            for convolution in (convolve, _reference)
        ]

    found, expected = compute(x, w)
    chex.assert_trees_all_close(found, expected, rtol=1e-4, atol=1e-4)


def test_groups_output_types_and_other_ranks_are_those_of_jax():
    x, w = _arrays()
    short = x.astype(jnp.bfloat16), w.astype(jnp.bfloat16)
    long = convolve(*short, (1, 1), "SAME", preferred_element_type=jnp.float32)
    assert long.dtype == jnp.float32
    found = convolve(x, w[:, :, :1, :4], (1, 1), "SAME", feature_group_count=2)
    assert found.shape == (3, 9, 8, 4)
    line = convolve(
        x[:, 0], w[0], (1,), "SAME", dimension_numbers=("NWC", "WIO", "NWC")
    )
    assert line.shape == (3, 8, 5)


def test_padding_by_name_is_refused_for_dilated_images():
    with pytest.raises(ValueError, match=r"padding must be numbers .* got 'SAME'"):
        convolve(*_arrays(), (1, 1), "SAME", lhs_dilation=(2, 2))
