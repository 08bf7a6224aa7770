"""Labels with many levels: which columns hold them, and their codes."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.data import read_table
from jaxinfo.estimation.cross_fitted.config import CrossFittedConfig
from jaxinfo.estimation.cross_fitted.label_encoding import (
    decide_labels,
    encode_labels,
)
from jaxinfo.estimation.cross_fitted.marginals import fit_marginal

CONFIG = CrossFittedConfig()
RNG = np.random.default_rng(0)
NUM_ROWS, NUM_LEVELS = 4_000, 200
LEVEL = RNG.integers(NUM_LEVELS, size=NUM_ROWS)
EFFECT = RNG.choice([-1.5, 1.5], size=NUM_LEVELS)
Y = EFFECT[LEVEL] + RNG.normal(size=NUM_ROWS)


def _views(x, y):
    tables = read_table("x", x), read_table("y", y)
    marginals = [fit_marginal(table, CONFIG) for table in tables]
    views = [m.apply(t.flat) for m, t in zip(marginals, tables, strict=True)]
    return views, decide_labels(views, [m.labels for m in marginals])


def test_the_order_of_whole_numbers_is_tested():
    _, [x, _] = _views(LEVEL, Y)
    assert x.are_labels == (True,)
    noise = RNG.normal(size=NUM_ROWS)
    for y in (LEVEL / 50 + noise, noise, np.sin(LEVEL / 30) + 0.1 * noise):
        _, [x, _] = _views(LEVEL, y)
        assert x.are_labels == (False,)


def test_text_is_a_label_and_rounded_numbers_are_not():
    _, [x, y] = _views(LEVEL.astype(str), np.round(Y, 2))
    assert x.are_labels == (True,)
    assert x.is_whole
    assert y.many_columns == ()


def test_codes_are_the_means_of_the_levels():
    views, labels = _views(LEVEL.astype(str), Y)
    encodings, encoded = encode_labels(views, labels, CONFIG)
    names = np.unique(LEVEL.astype(str))
    effects = EFFECT[names.astype(int)]
    codes = encodings[0].tables[0]
    assert np.abs(np.corrcoef(codes[:-1, 0], effects)[0, 1]) > 0.97
    np.testing.assert_array_equal(codes[-1], 0)  # Levels that were not fitted.
    # The codes of training rows come from other rows: they hardly correlate with what
    # is left of y.
    rest = Y - EFFECT[LEVEL]
    assert abs(np.corrcoef(encoded[0].normal[:, 0], rest)[0, 1]) < 4 / NUM_ROWS**0.5
    assert encoded[1].normal.shape == views[1].normal.shape


def test_codes_of_independent_labels_vanish():
    noise = RNG.normal(size=NUM_ROWS)
    views, labels = _views(LEVEL.astype(str), noise)
    [encoding, _], _ = encode_labels(views, labels, CONFIG)
    assert encoding.tables[0].std(axis=0).max() < 0.1


@pytest.mark.parametrize("xp", [np, jnp])
def test_an_encoding_replaces_its_column(xp):
    x = np.stack([LEVEL, RNG.normal(size=NUM_ROWS)], axis=1)
    table = read_table("x", x, discrete=[0])
    other = read_table("y", Y)
    marginals = [fit_marginal(t, CONFIG) for t in (table, other)]
    views = [m.apply(t.flat) for m, t in zip(marginals, (table, other), strict=True)]
    [encoding, _], _ = encode_labels(views, [m.labels for m in marginals], CONFIG)
    assert encoding.dropped == (0,)
    rows = marginals[0].apply(xp.asarray(table.flat[:5]))
    found = encoding.apply(rows)
    assert found.normal.shape == (5, 1 + encoding.tables[0].shape[1])
    np.testing.assert_allclose(found.normal[:, 0], rows.normal[:, 1], rtol=1e-5)
    expected = encoding.tables[0][LEVEL[:5]]
    np.testing.assert_allclose(found.normal[:, 1:], expected, rtol=1e-4, atol=1e-6)
