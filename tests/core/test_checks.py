"""Checks raise ValueError, and name the argument and what was expected."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.core import checks


def _scores(shape, dtype=jnp.float32):
    def check():
        def apply(params, x):
            return jnp.zeros(shape, dtype)

        checks.check_scores("discriminator", apply, (), jnp.ones((3, 2)))

    return check


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: checks.check_rank(1, scores_p=jnp.ones((2, 2))), "scores_p.*1 axis,"),
        (lambda: checks.check_rank(2, scores=jnp.ones(2)), r"scores.*2 axes.*\(2,\)"),
        (lambda: checks.check_square(scores=jnp.ones((2, 3))), r"square.*\(2, 3\)"),
        (lambda: checks.check_positive(num_steps=0), "num_steps.*got 0"),
        (lambda: checks.check_positive(num_steps=1.5), "num_steps.*got 1.5"),
        (lambda: checks.check_positive(num_steps=True), "num_steps.*got True"),
        (lambda: checks.check_finite_number(0, 1, pi=1), r"pi.*\(0, 1\), got 1"),
        (lambda: checks.check_finite_number(alpha=np.nan), "alpha.*got nan"),
        (lambda: checks.check_one_of(["b", "a"], bound="c"), "bound 'c'; known: a, b"),
        (
            lambda: checks.check_one_of(["kl", "info_nce"], bound="InfoNCE"),
            "bound 'InfoNCE'; did you mean 'info_nce'\\? known: info_nce, kl",
        ),
        (lambda: checks.check_finite_rows(x=np.ones(3)), r"x must have rows.*\(3,\)"),
        (lambda: checks.check_finite_rows(x=np.ones((3, 1), int)), "x.*int64"),
        (
            lambda: checks.check_finite_rows(x=np.array([[0.0], [np.inf], [np.nan]])),
            "x must be finite; 2 of 3 rows are not, the first of which is row 1",
        ),
        (lambda: checks.check_key(0, key=np.zeros(2)), "key.*ndarray of float64"),
        (lambda: checks.check_key(0, key=7), "key.*jax.random.key, got int"),
        (lambda: checks.check_key(1, keys=jax.random.key(0)), "keys must have 1 axis"),
        (_scores((3, 1)), r"discriminator.*\(3,\) for 3 rows; got shape \(3, 1\)"),
        (_scores((3,), int), "discriminator.*floating-point.*int"),
    ],
)
def test_bad_input_is_named(check, message):
    with pytest.raises(ValueError, match=message):
        check()


def test_good_input_passes():
    checks.check_rank(2, scores=jnp.ones((2, 2)))
    checks.check_square(scores=jnp.ones((2, 2)))
    checks.check_positive(num_steps=3, num_seeds=np.int32(2))
    checks.check_finite_number(0, 1, pi=0.5)
    checks.check_one_of(["a"], bound="a")
    checks.check_key(0, key=jax.random.key(0))
    checks.check_finite_rows(x=np.ones((3, 2)))
    _scores((3,))()


def test_values_are_not_checked_under_jit():
    jax.eval_shape(lambda x: checks.check_finite_rows(x=x), jnp.full((2, 1), jnp.nan))
