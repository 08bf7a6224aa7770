"""Checks raise ValueError and name the argument and what was expected."""

import jax.numpy as jnp
import pytest

from jaxinfo.core import checks


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: checks.check_rank(1, scores_p=jnp.ones((2, 2))), "scores_p.*1 axes"),
        (lambda: checks.check_positive(num_steps=0), "num_steps.*got 0"),
        (lambda: checks.check_positive(num_steps=1.5), "num_steps.*got 1.5"),
        (lambda: checks.check_positive(num_steps=True), "num_steps.*got True"),
        (lambda: checks.check_finite_number(0, 1, pi=1), r"pi.*\(0, 1\), got 1"),
        (lambda: checks.check_one_of(["b", "a"], bound="c"), "bound 'c'.*a, b"),
    ],
)
def test_what_does_not_fit_is_named(check, message):
    with pytest.raises(ValueError, match=message):
        check()


def test_what_fits_passes():
    checks.check_rank(2, scores=jnp.ones((2, 2)))
    checks.check_positive(num_steps=3)
    checks.check_finite_number(0, 1, pi=0.5)
    checks.check_one_of(["a"], bound="a")
