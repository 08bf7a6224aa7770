"""The figure of the demo."""

import warnings

from jaxinfo.cli.demo import plot_demo
from tests.cli.demo.fake_results import STAGES, make_results


def test_figure_names_every_result(tmp_path):
    results, path = make_results(), tmp_path / "demo.svg"
    panels = [(stage.title, results[stage.name]) for stage in STAGES]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plot_demo(panels, path)
    text = path.read_text()
    for words in ("First", "Second", "Third", "known", "outside", "probe"):
        assert words in text
    for words in ("truth", "largest possible value", "test accuracy", "95.5"):
        assert words in text
