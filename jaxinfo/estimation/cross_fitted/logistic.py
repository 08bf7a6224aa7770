"""The logistic bound of scores on the host."""

import numpy as np

from jaxinfo.core.types import Float

__all__ = ["logistic_bound"]


def logistic_bound(
    joint: Float[np.ndarray, " *n"], negatives: Float[np.ndarray, "*n k"]
) -> Float[np.ndarray, " *n"]:
    """The GAN bound log s(T_ii) + mean_j log(1 - s(T_ij)) of each row, at most 0.

    It is at most the information that a sample tells about whether a pair is joint; no
    single pair can dominate its mean over rows.

    Source: Nowozin et al., "f-GAN", NeurIPS 2016, table 1.

    Args:
        joint: scores of joint pairs, [...].
        negatives: scores of negatives of each, [..., K].

    Returns:
        The bound of each row, [...]; its mean is the bound.
    """
    return -np.logaddexp(0, -joint) - np.logaddexp(0, negatives).mean(axis=-1)
