"""The information of rounded Gaussian pairs, as the experiment computes it."""

import numpy as np
import pytest

from experiments.rounding.run import rounded_information


@pytest.mark.parametrize("rho", [0.3, 0.9])
def test_the_information_of_a_rounded_pair_by_counting_cells(rho):
    x, noise = np.random.default_rng(0).normal(size=(2, 400_000))
    y = rho * x + np.sqrt(1 - rho**2) * noise
    cells = np.round([x, y]).astype(int) + 6
    counts = np.zeros((13, 13))
    np.add.at(counts, tuple(cells), 1)
    shares = counts / counts.sum()
    product = np.outer(shares.sum(axis=1), shares.sum(axis=0))
    kept = shares > 0
    counted = np.sum(shares[kept] * np.log(shares[kept] / product[kept]))
    assert rounded_information(rho, 1.0) == pytest.approx(counted, abs=0.005)


def test_a_finer_grid_keeps_more():
    whole = -0.5 * np.log(1 - 0.5**2)
    found = [rounded_information(0.5, grid) for grid in (2.0, 1.0, 0.5, 0.1)]
    assert found == sorted(found)
    assert found[-1] < whole < found[-1] + 0.001
    # Less than the error of an estimate; the pair itself stands for finer grids.
    assert rounded_information(0.5, 0.01) == pytest.approx(whole, abs=1e-6)
