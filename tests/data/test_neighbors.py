"""Lists of neighbors, and samples from them."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxinfo import data

# Authors 0 and 1 share paper 0; author 2 wrote papers 1 and 2, author 3 none.
NODES = {"author": 4, "paper": 3, "venue": 2}
EDGES = {
    ("paper", "author"): [[0, 0], [0, 1], [1, 2], [2, 2], [2, 2]],
    ("paper", "venue"): [[0, 0], [1, 0], [2, 1]],
}

GRAPH = data.make_heterogeneous_graph(NODES, EDGES)


def test_listed_neighbors_are_those_of_the_edges():
    starts, counts, nodes = data.list_neighbors(GRAPH, "author", "paper")
    found = [
        nodes[start : start + count].tolist()
        for start, count in zip(starts, counts, strict=True)
    ]
    assert found == [[0], [0], [1, 2], []]


def test_neighbors_are_sampled_without_replacement_if_possible():
    neighbors = data.Neighbors(
        jnp.array([0, 5, 7, 8]), jnp.array([5, 2, 1, 0]), jnp.arange(10, 18)
    )
    keys = jax.random.split(jax.random.key(0), 4_000)
    sample = jax.jit(
        jax.vmap(lambda key: data.sample_neighbors(key, neighbors, num_samples=2))
    )
    sampled = np.asarray(sample(keys))
    assert (sampled[:, 0, 0] != sampled[:, 0, 1]).all()
    assert set(sampled[:, 0].ravel().tolist()) == {10, 11, 12, 13, 14}
    np.testing.assert_array_equal(np.sort(sampled[:, 1], axis=1), [[15, 16]] * 4_000)
    assert (sampled[:, 2] == 17).all()
    assert (sampled[:, 3] == -1).all()
    # The ten pairs of five nodes are equally likely: 400 of 4,000, sd 19.
    pairs = np.sort(sampled[:, 0], axis=1) @ [100, 1]
    _, counts = np.unique(pairs, return_counts=True)
    assert len(counts) == 10
    assert abs(counts - 400).max() < 5 * 19
