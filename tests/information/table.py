"""The classical estimators, and rows to run them on."""

import jax
import numpy as np

from jaxinfo.information import (
    gaussian_copula_information,
    gaussian_information,
    ksg1_information,
    ksg2_information,
    mixed_ksg_information,
    plug_in_information,
)

NEIGHBORS = {
    "ksg1": ksg1_information,
    "ksg2": ksg2_information,
    "mixed_ksg": mixed_ksg_information,
}
CLASSICAL = {
    **NEIGHBORS,
    "gaussian": gaussian_information,
    "gaussian_copula": gaussian_copula_information,
    "plug_in": plug_in_information,
}
JITTED = {name: jax.jit(information) for name, information in CLASSICAL.items()}


def gaussian_rows(num_rows, dim_x=2, dim_y=3, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(num_rows, dim_x))
    y = rng.normal(size=(num_rows, dim_y))
    y[:, :1] += 0.8 * x[:, :1]
    return x, y


def rows_with_ties(num_rows):
    """Rounded rows, some distances of which tie, and some of which coincide."""
    x, y = gaussian_rows(num_rows)
    x, y = np.round(x), np.round(y)
    y[: num_rows // 3] += 0.01 * np.arange(num_rows // 3)[:, None]
    return x, y
