"""Progress is shown on a terminal only, and reported at each evaluation."""

import os
import pty
import subprocess
import sys
import textwrap

import jax
import pytest

from jaxinfo.training import progress, train

PROGRAM = textwrap.dedent(
    """
    import jax
    import numpy as np
    from jaxinfo.estimation import TrainConfig, Variational

    x = np.random.default_rng(0).normal(size=(200, 1))
    critic = (
        lambda key, x, y: jax.numpy.zeros(()),
        lambda params, x, y: params * (x * y)[:, 0],
    )
    config = TrainConfig(
        num_seeds=2, num_steps=400, batch_size=16, eval_every=20, progress=True
    )
    Variational("mine", critic, train=config)(jax.random.key(0), x, x[::-1])
    """
)


def _run_and_read(make_stderr):
    stderr, read = make_stderr()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "80"}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stderr=stderr, env=environment
    )
    os.close(stderr)
    text = b""
    while True:
        try:
            piece = os.read(read, 4096)
        except OSError:  # The end of a terminal's output.
            break
        if not piece:
            break
        text += piece
    assert process.wait() == 0, text
    return text.decode()


@pytest.mark.slow
def test_a_terminal_shows_the_bound_and_the_time_left():
    def terminal():
        read, write = pty.openpty()
        return write, read

    text = _run_and_read(terminal)
    assert "nats" in text
    assert "left" in text


@pytest.mark.slow
def test_nothing_is_written_to_a_file():
    def pipe():
        read, write = os.pipe()
        return write, read

    assert _run_and_read(pipe) == ""


@pytest.mark.parametrize("num_seeds", [1, 3])
def test_each_seed_reports_each_evaluation(num_seeds):
    reported = []

    def run(key):
        return train(
            key,
            0.0 * jax.random.uniform(key),
            step=lambda key, state, batch: (state + 1, ()),
            evaluate=lambda state: 2 * state,
            num_steps=25,
            eval_every=10,
            report_progress=True,
        ).best_value

    with progress.listener(lambda step, value: reported.append((step, value))):
        keys = jax.random.split(jax.random.key(0), num_seeds)
        jax.block_until_ready(jax.jit(jax.vmap(run))(keys))
    expected = [(10, 20.0), (20, 40.0), (25, 50.0)]
    assert sorted(reported) == sorted(expected * num_seeds)
