"""Spectral normalization: a network whose layers stretch nothing."""

import functools

import jax
import jax.numpy as jnp

from jaxinfo.core.checks import check_positive
from jaxinfo.core.types import Array, Network, PyTree

__all__ = ["spectrally_normalized"]


def spectrally_normalized(network: Network, *, num_iterations: int = 10) -> Network:
    """Divides every weight matrix by its largest singular value before it is applied.

    A kernel of more than two axes counts as the matrix of all but its last axis by its
    last. With activations of slope at most 1 the network's Lipschitz constant is then
    at most 1 for dense layers.

    Source: Miyato et al., "Spectral normalization for generative adversarial networks",
        ICLR 2018, section 2.1 and algorithm 1.

    Args:
        network: any network; parameters with fewer than two axes are left as they are,
            and so is a matrix of zeros.
        num_iterations: of the power method, from the same vector each time, so that no
            state has to be kept: with few of them the value is a little too small.

    Returns:
        The network, with the same parameters.

    Raises:
        ValueError: where num_iterations is not a positive whole number.
    """
    check_positive(num_iterations=num_iterations)
    return _normalized(network, num_iterations)


# The same object for equal arguments, so that nothing is traced anew.
@functools.lru_cache(maxsize=256)
def _normalized(network: Network, num_iterations: int) -> Network:
    def normalized(params: PyTree) -> PyTree:
        return jax.tree.map(
            lambda x: (
                x / _largest_singular_value(x, num_iterations) if x.ndim > 1 else x
            ),
            params,
        )

    def apply(params: PyTree, *inputs: Array) -> Array:
        return network.apply(normalized(params), *inputs)

    if network.apply_train is None:
        return Network(network.init, apply)
    apply_train = network.apply_train

    def apply_noisy(key: Array, params: PyTree, state: PyTree, *inputs: Array):
        return apply_train(key, normalized(params), state, *inputs)

    return Network(network.init, apply, apply_noisy)


def _largest_singular_value(kernel: Array, num_iterations: int) -> Array:
    matrix = kernel.reshape(-1, kernel.shape[-1])
    fixed = jax.lax.stop_gradient(matrix)
    small = jnp.finfo(matrix.dtype).tiny ** 0.5

    def unit(vector: Array) -> Array:
        return vector / jnp.maximum(jnp.linalg.norm(vector), small)

    def iterate(_: int, right: Array) -> Array:
        return unit(fixed.T @ (fixed @ right))

    # Any start will do that no kernel is orthogonal to by design.
    start = unit(jnp.sin(1.0 + jnp.arange(matrix.shape[1], dtype=matrix.dtype)))
    right = jax.lax.fori_loop(0, num_iterations, iterate, start)
    left = unit(fixed @ right)
    value = left @ matrix @ right
    return jnp.where(value > small, value, 1.0)
