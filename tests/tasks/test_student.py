"""Student's t tasks: reference densities, closed forms, errors."""

import math

import jax
import numpy as np
import pytest
import scipy.stats

from jaxinfo import tasks as t
from jaxinfo.tasks.student import student_lower_bound


def test_pmi_against_scipy():
    dispersion, df = np.array([[1.0, 0.2, 0.5], [0.2, 2.0, 0.0], [0.5, 0.0, 1.0]]), 3.0
    task = t.student(2, 1, df, dispersion=dispersion)
    x, y = task.sample(jax.random.key(0), 50)

    def log_density(rows, part):
        return scipy.stats.multivariate_t(shape=dispersion[part, part], df=df).logpdf(
            rows
        )

    rows = np.concatenate([x, y], axis=1)
    expected = log_density(rows, slice(0, 3))
    expected -= log_density(np.asarray(x), slice(0, 2))
    expected -= log_density(np.asarray(y), slice(2, 3))
    np.testing.assert_allclose(task.pmi(x, y), expected, atol=1e-4)


def test_marginals_are_student():
    x, _ = t.student(1, 1, 3).sample(jax.random.key(0), 5_000)
    # The largest distance of the distribution functions exceeds 1.95 / sqrt(n) with a
    # probability of 0.1 %.
    distance = scipy.stats.kstest(np.asarray(x)[:, 0], scipy.stats.t(3).cdf).statistic
    assert distance < 1.95 / 5_000**0.5


def test_lower_bound_of_two_cauchy_variables():
    # Twice the entropy of a Cauchy variable less that of the bivariate one.
    closed = 2 * math.log(4 * math.pi) - (math.log(2 * math.pi) + 3)
    assert student_lower_bound(1, 1, 1) == pytest.approx(closed, abs=1e-9)


def test_many_degrees_of_freedom_are_gaussian():
    correlated = np.array([[1, 0.6], [0.6, 1]])
    for dispersion, gaussian in [(None, 0.0), (correlated, t.normal(0.6).mi)]:
        task = t.student(1, 1, 200.0, dispersion=dispersion)
        # The bound falls as 1 / (2 df^2).
        assert 0 < task.mi - gaussian < 1e-4


@pytest.mark.parametrize("mi", [0.55, 1.5, 8.0])
def test_requested_information(mi):
    assert t.student_target(mi, 2, 2, 3).mi == pytest.approx(mi)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("dim_x", lambda: t.student(0, 1, 1)),
        ("df", lambda: t.student(1, 1, 0)),
        ("dispersion", lambda: t.student(1, 1, 1, dispersion=np.eye(3))),
        ("dispersion", lambda: t.student(1, 1, 1, dispersion=-np.eye(2))),
        ("mi", lambda: t.student_target(0.1, 2, 2, 1)),
    ],
)
def test_errors_name_the_argument(name, make):
    with pytest.raises(ValueError, match=rf"\b{name}\b"):
        make()


def test_the_error_states_the_lower_bound():
    with pytest.raises(ValueError, match=r"at least 0\.4319 nats"):
        t.student_target(0.1, 2, 2, 1)
