"""The figure of a benchmark."""

import warnings

import pytest

from jaxinfo.reporting import plot_benchmark
from tests.benchmark.fake_records import make_failed_record, make_mixed_records


@pytest.mark.parametrize(
    "records",
    [make_mixed_records(), [make_failed_record(task="second")]],
    ids=["mixed", "nothing finite"],
)
def test_figure_names_every_task_and_estimator(tmp_path, records):
    path = tmp_path / "figure.svg"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plot_benchmark(records, path)
    text = path.read_text()
    names = {r.task for r in records} | {r.estimator for r in records}
    for words in {*names, "minus truth"}:
        assert words in text


def test_png(tmp_path):
    plot_benchmark(make_mixed_records(), tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
