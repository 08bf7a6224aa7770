"""Special functions of the f-divergences."""

import jax
import numpy as np
import pytest

from jaxinfo.divergences.special import log1mexp_of_log, log_lambert_w


@pytest.fixture
def x64():
    with jax.enable_x64(True):
        yield


def test_lambert_w_solves_its_equation(x64):
    z = np.concatenate([[0.0], np.linspace(-40, 40, 161), np.logspace(1, 6, 30)])
    root = np.asarray(jax.jit(log_lambert_w)(z))
    np.testing.assert_allclose(np.exp(root) + root, z, rtol=1e-13, atol=1e-13)
    # W(1) is the omega constant.
    assert np.exp(root[0]) == pytest.approx(0.5671432904097838)


def test_log1mexp_beyond_underflow(x64):
    log_x = np.asarray([-700.0, -5000.0, -26.0, -25.9, 0.0, 5.0])
    x = np.exp(log_x[2:])
    got = np.asarray(jax.jit(log1mexp_of_log)(log_x))
    np.testing.assert_allclose(got[:2], log_x[:2], rtol=1e-14)
    np.testing.assert_allclose(got[2:], np.log(-np.expm1(-x)), rtol=1e-13, atol=1e-15)
