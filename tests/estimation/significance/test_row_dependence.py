"""Warnings about dependent rows: when they appear, and on which tables they do not."""

import numpy as np
import pytest
from scipy.signal import lfilter

from jaxinfo.estimation.samples import read_samples
from jaxinfo.estimation.significance import warnings_of_rows

NUM_RUNS = 20


def _normal(rng, num_rows=500, size=1):
    return rng.normal(size=(num_rows, size))


def _series(rng, phi=0.5):
    return lfilter([1], [1, -phi], _normal(rng, 600), axis=0)[100:]


def _repeated(rng, order, jitter=0.0):
    sides = [_normal(rng, 100)[order] for _ in range(2)]
    return [side + jitter * rng.normal(size=side.shape) for side in sides]


TILED, IN_TURN = np.tile(np.arange(100), 5), np.repeat(np.arange(100), 5)

DEPENDENT = {
    "copies": (lambda rng: _repeated(rng, TILED), "500 of 500 rows are copies"),
    "shuffled copies": (lambda rng: _repeated(rng, rng.permutation(TILED)), "copies"),
    "copies with a label": (
        lambda rng: (
            _normal(rng, 100)[TILED],
            1.0 * rng.integers(2, size=(100, 1))[TILED],
        ),
        "copies",
    ),
    "clusters in turn": (lambda rng: _repeated(rng, IN_TURN, 0.03), "groups="),
    "tiled clusters": (lambda rng: _repeated(rng, TILED, 0.03), "groups="),
    "shuffled clusters": (
        lambda rng: _repeated(rng, rng.permutation(TILED), 0.001),
        "tight clusters",
    ),
    "autoregression": (lambda rng: (_series(rng), _series(rng)), "is_series=True"),
    "random walks": (
        lambda rng: (_normal(rng).cumsum(axis=0), _normal(rng).cumsum(axis=0)),
        "is_series=True",
    ),
}

INDEPENDENT = {
    "normal": lambda rng: (_normal(rng), _normal(rng)),
    "many columns": lambda rng: (_normal(rng, size=20), _normal(rng, size=20)),
    "heavy tails": lambda rng: (np.exp(3 * _normal(rng)), 1 / _normal(rng)),
    "labels": lambda rng: (
        1.0 * rng.integers(3, size=(500, 1)),
        1.0 * rng.integers(50, size=(500, 1)),
    ),
    "rounded": lambda rng: (_normal(rng).round(1), _normal(rng).round(1)),
    "mostly zero": lambda rng: (
        _normal(rng) * (rng.random((500, 1)) < 0.4),
        _normal(rng) * (rng.random((500, 1)) < 0.4),
    ),
    "one series": lambda rng: (_series(rng, 0.99), _normal(rng)),
}


@pytest.mark.parametrize("name", DEPENDENT)
def test_dependent_rows_are_noticed(name):
    sample, message = DEPENDENT[name]
    for seed in range(NUM_RUNS):
        [warning] = warnings_of_rows(*sample(np.random.default_rng(seed)))
        assert message in warning


@pytest.mark.parametrize("name", INDEPENDENT)
def test_independent_rows_are_not(name):
    samples = [INDEPENDENT[name](np.random.default_rng(seed)) for seed in range(100)]
    # At 1 % each, 5 of 100 or more have a probability of 0.3 %.
    assert sum(map(len, (warnings_of_rows(*sample) for sample in samples))) < 5


@pytest.mark.parametrize(
    "function",
    [lambda x: x.copy(), lambda x: np.sin(9 * x), lambda x: x.round(2), np.sign],
)
@pytest.mark.parametrize("decimals", [1, 2, 12])
def test_functions_of_independent_rows_are_not(function, decimals):
    samples = [
        _normal(np.random.default_rng(seed)).round(decimals) for seed in range(20)
    ]
    assert sum(len(warnings_of_rows(x, function(x))) for x in samples) <= 1


def test_sorted_rows_are_not():
    x = np.linspace(0, 1, 500)[:, None]
    noise = _normal(np.random.default_rng(0))
    assert warnings_of_rows(x, np.sin(9 * x) + 0.1 * noise) == []


def test_samples_warn_unless_groups_or_series_are_given():
    x, y = _repeated(np.random.default_rng(0), IN_TURN)
    assert "copies" in read_samples(x=x, y=y).warnings[0]
    assert read_samples(x=x, y=y, groups=IN_TURN).warnings == ()
    assert read_samples(x=x, y=y, is_series=True).warnings == ()
