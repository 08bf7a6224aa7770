"""Example: save a density ratio and evaluate it in another process."""

import subprocess
import sys

import jax
import numpy as np

from jaxinfo.estimation import TrainConfig, Variational

ELSEWHERE = """
import sys
import numpy as np
from jaxinfo.estimation import load_density_ratio

ratio = load_density_ratio(sys.argv[1])
print(float(ratio(np.ones((1, 1)), np.ones((1, 1)))[0]))
"""


def test_a_saved_density_ratio_is_evaluated_in_another_process(tmp_path):
    x, noise = np.random.default_rng(0).normal(size=(2, 400, 1))
    estimator = Variational("nwj", train=TrainConfig(num_steps=50, num_seeds=2))
    ratio = estimator(jax.random.key(0), x, x + noise).density_ratio
    ratio.save(tmp_path / "ratio.npz")
    found = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(tmp_path / "ratio.npz")],
        capture_output=True,
        text=True,
        check=True,
    )
    expected = float(ratio(np.ones((1, 1)), np.ones((1, 1)))[0])
    np.testing.assert_allclose(float(found.stdout), expected, rtol=1e-5)
