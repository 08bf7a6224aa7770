"""Tables, figures and results on disk."""

from jaxinfo.reporting.benchmark_figure import plot_benchmark
from jaxinfo.reporting.estimate_figure import draw_estimate, plot_estimate
from jaxinfo.reporting.files import (
    atomic_files,
    check_new_folder,
    check_outputs,
    write_json,
)
from jaxinfo.reporting.results import benchmark_results, device_name, mean_and_sd
from jaxinfo.reporting.tables import (
    HEADINGS,
    benchmark_table,
    estimate_table,
    note_lines,
    summary_cells,
    summary_table,
)

__all__ = [
    "HEADINGS",
    "atomic_files",
    "benchmark_results",
    "benchmark_table",
    "check_new_folder",
    "check_outputs",
    "device_name",
    "draw_estimate",
    "estimate_table",
    "mean_and_sd",
    "note_lines",
    "plot_benchmark",
    "plot_estimate",
    "summary_cells",
    "summary_table",
    "write_json",
]
