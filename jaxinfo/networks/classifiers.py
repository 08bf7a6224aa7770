"""Classifiers of frozen features."""

from collections.abc import Sequence

from flax import linen as nn

from jaxinfo.core.checks import check_finite_number, check_positive
from jaxinfo.core.types import Array, Float, Network
from jaxinfo.networks.adapters import from_linen_in_training
from jaxinfo.networks.layers import flatten_rows, parameter_dtype

__all__ = ["probe_classifier"]


def probe_classifier(
    num_classes: int, *, hidden_sizes: Sequence[int] = (200,), dropout: float = 0.1
) -> Network:
    """The classifier by which Deep InfoMax evaluates representations: a small MLP.

    Each hidden layer has batch normalization, ReLU and dropout.

    Source: Hjelm et al., "Learning deep representations by mutual information
        estimation and maximization", ICLR 2019, section 4.1, and the authors' code.

    Args:
        num_classes: K.
        hidden_sizes: units of each hidden layer; () for a linear classifier.
        dropout: dropout rate of the hidden units in training, in [0, 1).

    Returns:
        A network, `apply(params, features [N, ...]) -> logits [N, K]`.

    Raises:
        ValueError: if a setting is out of its range.
    """
    check_positive(num_classes=num_classes)
    if dropout:
        check_finite_number(0.0, 1.0, dropout=dropout)
    return from_linen_in_training(
        _ProbeClassifier(num_classes, tuple(hidden_sizes), float(dropout))
    )


class _ProbeClassifier(nn.Module):
    num_classes: int
    hidden_sizes: tuple[int, ...]
    dropout: float

    @nn.compact
    def __call__(
        self, features: Float[Array, "n ..."], *, is_training: bool
    ) -> Float[Array, "n k"]:
        dtype = parameter_dtype(features)
        x = flatten_rows(features)
        for size in self.hidden_sizes:
            x = nn.Dense(size, param_dtype=dtype)(x)
            x = nn.BatchNorm(not is_training, momentum=0.9, param_dtype=dtype)(x)
            x = nn.Dropout(self.dropout, deterministic=not is_training)(nn.relu(x))
        return nn.Dense(self.num_classes, param_dtype=dtype)(x)
