"""Multilayer networks of dense layers (MLPs)."""

import functools
from collections.abc import Callable, Sequence

from flax import linen as nn

from jaxinfo.core.checks import check_positive
from jaxinfo.core.types import Array, Network
from jaxinfo.networks.adapters import linen_network
from jaxinfo.networks.layers import parameter_dtype

__all__ = ["Activation", "mlp"]

Activation = Callable[[Array], Array]


def mlp(
    hidden_sizes: Sequence[int],
    output_size: int,
    *,
    activation: Activation = nn.relu,
) -> Network:
    """An MLP from vectors to vectors.

    Args:
        hidden_sizes: units of each hidden layer.
        output_size: units of the output.
        activation: applied after each hidden layer.

    Returns:
        A network, `apply(params, x [N, D]) -> [N, output_size]`.

    Raises:
        ValueError: if output_size is not a positive whole number.
    """
    check_positive(output_size=output_size)
    return linen_network(_MLP(tuple(hidden_sizes), output_size, activation))


class _MLP(nn.Module):
    hidden_sizes: tuple[int, ...]
    output_size: int
    activation: Activation
    zero_init: bool = False

    @nn.compact
    def __call__(self, x: Array) -> Array:
        dtype = parameter_dtype(x)
        for size in self.hidden_sizes:
            x = self.activation(nn.Dense(size, param_dtype=dtype)(x))
        output = functools.partial(nn.Dense, self.output_size, param_dtype=dtype)
        if self.zero_init:
            return output(kernel_init=nn.initializers.zeros)(x)
        return output()(x)
