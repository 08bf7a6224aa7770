"""The demo: estimates on known distributions and on scikit-learn's digits."""

from jaxinfo.cli.demo.digit_representations import ProbeResult
from jaxinfo.cli.demo.figure import plot_demo
from jaxinfo.cli.demo.report import check_lines, demo_results, demo_table
from jaxinfo.cli.demo.stages import STAGES, Result, Results, Stage, run_stages

__all__ = [
    "STAGES",
    "ProbeResult",
    "Result",
    "Results",
    "Stage",
    "check_lines",
    "demo_results",
    "demo_table",
    "plot_demo",
    "run_stages",
]
