"""Colors and Matplotlib settings that all figures share."""

from typing import Any

__all__ = [
    "ACCENT",
    "CEILING",
    "COLORS",
    "GRID",
    "INK",
    "MUTED",
    "STYLE",
]

INK, MUTED, GRID = "#1c1f26", "#6b7280", "#e5e7eb"
ACCENT, CEILING = "#2563eb", "#dc2626"
COLORS = ("#2563eb", "#ea7317", "#0f9d75", "#9333ea", "#c0266e", "#7c8a0b")
STYLE: Any = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "text.color": INK,
    "legend.frameon": False,
    "svg.fonttype": "none",
}
