"""No random key is consumed twice, in any kind of call."""

import jax
import pytest

from tests.calls import CALLS, each_call


@pytest.mark.slow
@each_call
def test_no_key_is_consumed_twice(name):
    with jax.debug_key_reuse(True):
        jax.block_until_ready(CALLS[name](jax.random.key(0)))


def test_a_key_that_is_consumed_twice_is_found():
    key = jax.random.key(0)
    with jax.debug_key_reuse(True), pytest.raises(jax.errors.KeyReuseError):
        jax.random.normal(key) + jax.random.uniform(key)
