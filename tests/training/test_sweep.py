"""With every layout, a sweep gives the results of the seeds alone, in one trace."""

import os
import subprocess
import sys
import textwrap

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.training import default_layout, sweep

KEYS = jax.random.split(jax.random.key(0), 5)
LAYOUTS = ["vmap", "map", "mesh", "mesh_map", "auto"]
DATA = jnp.arange(4.0)


def _run(key, data, *, scale=1.0, shift=0.0):
    return {"sum": scale * (data + jax.random.normal(key, (4,))).sum() + shift}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_entry_s_is_the_run_of_seed_s_alone(layout):
    result = sweep(_run, KEYS, DATA, layout=layout)
    alone = [jax.jit(_run)(key, DATA)["sum"] for key in KEYS]
    np.testing.assert_allclose(result["sum"], alone, rtol=1e-6)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_settings_give_a_leading_axis(layout):
    settings = {"scale": jnp.array([1.0, 2.0, -1.0]), "shift": [0.0, 5.0, 1.0]}
    result = sweep(_run, KEYS, DATA, settings=settings, layout=layout)
    assert result["sum"].shape == (3, 5)
    alone = jax.jit(_run)(KEYS[3], DATA, scale=2.0, shift=5.0)["sum"]
    np.testing.assert_allclose(result["sum"][1, 3], alone, rtol=1e-6)


@pytest.mark.parametrize("layout", ["vmap", "map", "mesh", "mesh_map"])
def test_thirty_two_seeds_take_one_trace(layout):
    traced = chex.assert_max_traces(lambda key, data: _run(key, data)["sum"], n=1)
    for seed in range(2):
        keys = jax.random.split(jax.random.key(seed), 32)
        assert sweep(traced, keys, DATA, layout=layout).shape == (32,)


def test_the_number_of_seeds_need_not_be_a_multiple_of_the_devices():
    assert jax.device_count() == 2
    assert default_layout() == "mesh"
    for num_seeds in (1, 2, 3):
        result = sweep(_run, KEYS[:num_seeds], DATA, layout="mesh")["sum"]
        alone = sweep(_run, KEYS[:num_seeds], DATA, layout="map")["sum"]
        np.testing.assert_allclose(result, alone, rtol=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layout": "pmap"}, "layout 'pmap'.*mesh"),
        ({"settings": {"scale": [1.0, 2.0], "shift": [1.0]}}, "settings"),
        ({"settings": {"scale": 1.0}}, "settings"),
    ],
    ids=str,
)
def test_bad_input_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        sweep(_run, KEYS, DATA, **changes)


PROCESS = """
    import sys
    import jax
    jax.config.update("jax_num_cpu_devices", 2)
    address, process = sys.argv[1], int(sys.argv[2])
    jax.distributed.initialize(address, num_processes=2, process_id=process)
    import jax.numpy as jnp
    import numpy as np
    from jaxinfo.training import sweep

    def run(key, data):
        return (data + jax.random.normal(key, (4,))).sum()

    keys = jax.random.split(jax.random.key(0), 3)
    data = jnp.arange(4.0)
    assert jax.device_count() == 4
    result = sweep(run, keys, data)
    alone = [jax.jit(run)(key, data) for key in keys]
    np.testing.assert_allclose(result, alone, rtol=1e-6)
    print("same", len(result))
"""


@pytest.mark.slow
def test_two_processes_split_the_seeds_and_both_get_all_results(unused_tcp_port):
    address = f"127.0.0.1:{unused_tcp_port}"
    program = textwrap.dedent(PROCESS)
    environment = os.environ | {"JAX_PLATFORMS": "cpu"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, address, str(i)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for i in range(2)
    ]
    for process in processes:
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        assert output.splitlines()[-1] == "same 3"


@pytest.fixture
def unused_tcp_port():
    import socket

    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        return holder.getsockname()[1]
