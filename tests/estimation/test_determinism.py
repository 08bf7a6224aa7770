"""Relations without noise are recognized, and noise is not mistaken for them."""

import re

import jax
import numpy as np
import pytest

from jaxinfo import tasks
from jaxinfo.data import read_table
from jaxinfo.estimation.determinism import is_determined_by, relation_without_noise

RNG = np.random.default_rng(0)
N = 1_000
X, Y = RNG.normal(size=(2, N, 1))
PAIR = RNG.normal(size=(N, 2))
LABEL = RNG.integers(5, size=(N, 1))


def _relation(x, y):
    return relation_without_noise(read_table("x", x), read_table("y", y))


def _half_copied():
    return np.where(RNG.random(size=X.shape) < 0.5, X, Y)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X, X, "^y has a coordinate that is a linear function of x"),
        (PAIR, PAIR @ [[1.0], [2.0]], "^y has a coordinate that is a linear"),
        (X, X**2, "^y shows no noise beside a function of x"),
        (X**2, X, "shows no noise beside a function"),
        (X, np.sin(20 * X), "^y shows no noise beside a function of x"),
        (PAIR, PAIR.prod(axis=1), "^y shows no noise beside a function of x"),
        (X, _half_copied(), "^for a part of the rows"),
        (np.cos(6 * X), np.sin(6 * X), "shows no noise"),
        (X, X + np.exp(-8) * Y, "shows no noise"),  # 8 nats in 1,000 rows.
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_relations_without_noise(x, y, message):
    found = _relation(x, y)
    assert found is not None
    assert re.search(message, found)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (X, Y),
        (X, X + 0.1 * Y),
        (X, np.sin(6 * X) + 0.3 * Y),
        (X, np.abs(X) * Y),
        (PAIR, PAIR.prod(axis=1, keepdims=True) + 0.3 * Y),
        (RNG.permutation(N), RNG.permutation(N)),  # Identifiers.
        (LABEL, LABEL),  # ln 5 nats, which labels can have.
        (np.round(X, 1), np.round(X, 1)),  # The entropy of the rounded values.
        (X, LABEL),
        (RNG.normal(size=(N, 30)), RNG.normal(size=(N, 30))),
        (RNG.normal(size=(20, 30)), RNG.normal(size=(20, 1))),  # Few rows.
    ],
)
def test_noise_is_no_relation(x, y):
    assert _relation(x, y) is None


@pytest.mark.parametrize("task", tasks.suite("bmi40"), ids=lambda task: task.name)
def test_no_task_of_finite_information_shows_a_relation(task):
    assert _relation(*task.sample(jax.random.key(0), 1_000)) is None


@pytest.mark.parametrize(
    ("x", "z", "is_determined"),
    [
        (X, 3 * X + 1, True),
        (X + Y, np.hstack([X, Y]), True),
        (np.ones_like(X), Y, True),
        (LABEL % 2, LABEL, True),
        (LABEL, LABEL % 2, False),
        (X, Y, False),
        (X, X + 0.01 * Y, False),
        (X, LABEL, False),
    ],
)
def test_variables_that_a_condition_determines(x, z, is_determined):
    assert is_determined_by(read_table("x", x), read_table("z", z)) == is_determined
