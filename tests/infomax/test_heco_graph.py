"""Graphs as inputs of HeCo: bad arguments."""

import numpy as np
import pytest

from jaxinfo import data
from jaxinfo.infomax import (
    make_heco_graph,
)

RNG = np.random.default_rng(0)
NUM = {"paper": 60, "author": 20, "subject": 3}
TOPIC = np.arange(60) % 3

# Every paper has the subject of its topic and three authors, mostly of its topic.
AUTHORS = [
    (paper, author)
    for paper in range(60)
    for author in RNG.choice(
        20,
        3,
        replace=False,
        p=np.where(np.arange(20) % 3 == TOPIC[paper], 0.125, 1e-2)
        / np.sum(np.where(np.arange(20) % 3 == TOPIC[paper], 0.125, 1e-2)),
    )
]

GRAPH = data.make_heterogeneous_graph(
    NUM,
    {
        ("paper", "author"): AUTHORS,
        ("paper", "subject"): list(enumerate(TOPIC.tolist())),
    },
)

PATHS = {
    "PAP": ("paper", "author", "paper"),
    "PSP": ("paper", "subject", "paper"),
}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": "editor"}, "unknown target 'editor'; known: author, paper"),
        ({"meta_paths": {}}, "meta_paths must hold at least one"),
        (
            {"meta_paths": {"APA": ("author", "paper", "author")}},
            r"meta_paths\['APA'\] must begin at the target 'paper'",
        ),
        (
            {"meta_paths": {"P": ("paper", "venue", "paper")}},
            "no edges of paper-venue",
        ),
        (
            {"features": {"author": np.ones((3, 2))}},
            r"features\['author'\] must have a",
        ),
        (
            {"features": {"author": np.full((20, 2), np.nan)}},
            r"features\['author'\] must be finite",
        ),
        ({"num_positives": 0}, "num_positives must be a positive"),
    ],
)
def test_errors_of_graphs_name_the_argument(arguments, message):
    given = {
        "target": "paper",
        "meta_paths": PATHS,
        "features": {},
        "num_positives": 4,
    } | arguments
    with pytest.raises(ValueError, match=message):
        make_heco_graph(GRAPH, **given)
