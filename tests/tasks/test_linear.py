"""Linear algebra of Gaussians, against NumPy."""

import numpy as np
import pytest

from jaxinfo.tasks import linear

RNG = np.random.default_rng(0)
ROOT = np.tril(RNG.normal(size=(3, 3))) + 3 * np.eye(3)
COVARIANCE = ROOT @ ROOT.T
ROWS = RNG.normal(size=(5, 3)).astype(np.float32)


def test_products_and_lengths():
    np.testing.assert_allclose(
        linear.matrix_product(ROWS, ROOT), ROWS @ ROOT.T, rtol=1e-5
    )
    expected = [row @ np.linalg.inv(COVARIANCE) @ row for row in ROWS]
    np.testing.assert_allclose(linear.squared_length(ROWS, ROOT), expected, rtol=1e-4)


def test_roots_and_determinants():
    root, root_x, root_y = linear.roots_of_parts(COVARIANCE, 1)
    np.testing.assert_allclose(root @ root.T, COVARIANCE)
    np.testing.assert_allclose(root_x @ root_x.T, COVARIANCE[:1, :1])
    np.testing.assert_allclose(root_y @ root_y.T, COVARIANCE[1:, 1:])
    log_det = np.linalg.slogdet(COVARIANCE)[1]
    assert linear.log_det_of(root) == pytest.approx(log_det)
    # I(X; Y) = -log(1 - R^2) / 2 with R^2 the share of x that y explains.
    explained = COVARIANCE[0, 1:] @ np.linalg.solve(
        COVARIANCE[1:, 1:], COVARIANCE[1:, 0]
    )
    expected = -0.5 * np.log(1 - explained / COVARIANCE[0, 0])
    found = linear.gaussian_information(root, root_x, root_y)
    assert found == pytest.approx(expected)


def test_rotations_are_orthogonal_and_repeat():
    rotation = linear.random_rotation(np.random.default_rng(3), 4)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(4), atol=1e-12)
    again = linear.random_rotation(np.random.default_rng(3), 4)
    np.testing.assert_array_equal(rotation, again)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: linear.root_of_covariance(ROOT), "covariance must be a symmetric"),
        (lambda: linear.root_of_covariance(-COVARIANCE), "must be positive definite"),
        (lambda: linear.roots_of_parts(COVARIANCE, 3), "dim_x must be below 3"),
    ],
)
def test_bad_covariances_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
