"""`Estimate`, the result of every estimator, and its diagnostics."""

import dataclasses
import html
import math
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from jaxinfo.core.checks import check_one_of
from jaxinfo.estimation.density_ratio import DensityRatio

__all__ = ["Diagnostics", "Estimate", "History", "Kind", "jsonable"]

Kind = Literal["lower_bound", "upper_bound", "neither"]


class History(NamedTuple):
    """The validation curve of every seed.

    Attributes:
        steps: number of updates at each validation, [T].
        values: value that model selection maximizes on validation rows, [S, T]; NaN
            after a seed has stopped. The bound in nats, except that "smile" and the
            default estimator use the logistic objective and "club" the log-likelihood.
    """

    steps: np.ndarray
    values: np.ndarray


NO_HISTORY = History(np.empty(0, int), np.empty((0, 0)))


@dataclasses.dataclass(frozen=True, eq=False)
class Diagnostics:
    """Details of the computation, and reasons to distrust the estimate.

    Attributes:
        ceiling: the largest value that this bound can report (log K), nats; inf if
            there is none.
        saturated: whether the value is near its ceiling or depends on too few scores.
        converged: whether the best validation came before the last tenth of the steps.
        num_nonfinite: number of updates that were skipped because of a non-finite
            gradient, over all seeds.
        per_seed: value of every seed, nats, [S]; its mean over finite seeds is the
            value of the estimate.
        history: validation curves.
        warnings: problems of the data or the run, one sentence each.
        seconds: wall time of the whole estimation.
        compile_seconds: the part of `seconds` spent on tracing and compiling.
    """

    per_seed: np.ndarray
    ceiling: float = math.inf
    saturated: bool = False
    converged: bool = True
    num_nonfinite: int = 0
    history: History = NO_HISTORY
    warnings: tuple[str, ...] = ()
    seconds: float = math.nan
    compile_seconds: float = math.nan

    @property
    def num_seeds(self) -> int:
        """Number of seeds."""
        return len(self.per_seed)


@dataclasses.dataclass(frozen=True)
class Estimate:
    """An estimate in nats with its error; frozen, hashable and picklable.

    Trained estimators select models on validation rows and report on held-out rows.
    Two estimates are equal if their numbers and names are equal. The comparison ignores
    the diagnostics, which contain run times, and the density ratio.

    Attributes:
        value: the estimate, nats; negative values are not clipped.
        standard_error: its standard error, nats.
        lower: lower end of the 95 % interval, nats.
        upper: upper end of the 95 % interval, nats.
        kind: whether the population value is a lower bound, an upper bound, or neither.
        estimator: name of the estimator.
        num_samples: number of rows of the data, training rows included.
        quantity: name of the quantity that was estimated.
        p_value: p-value of the hypothesis of independence; None if the estimator does
            not test it.
        diagnostics: convergence, saturation, warnings, curves and run times.
        density_ratio: the fitted log density ratio, `density_ratio(x, y) -> [N]` in
            nats; None if the estimator fits none.

    Example:
        >>> estimate = Estimate(0.3, 0.1, 0.1, 0.5, "neither", "example", 100)
        >>> float(estimate)
        0.3
    """

    value: float
    standard_error: float
    lower: float
    upper: float
    kind: Kind
    estimator: str
    num_samples: int
    quantity: str = "mutual information"
    p_value: float | None = None
    diagnostics: Diagnostics = dataclasses.field(
        default_factory=lambda: Diagnostics(np.empty(0)), compare=False, repr=False
    )
    density_ratio: DensityRatio | None = dataclasses.field(
        default=None, compare=False, repr=False
    )

    def __post_init__(self) -> None:
        check_one_of(get_args(Kind), kind=self.kind)
        for name in ("value", "standard_error", "lower", "upper"):
            object.__setattr__(self, name, float(getattr(self, name)))

    def __format__(self, spec: str) -> str:
        """The value in a number format such as ".3f", or the whole line for ""."""
        return format(self.value, spec) if spec else str(self)

    def __float__(self) -> float:
        """The value in nats."""
        return float(self.value)

    def to_dict(self) -> dict[str, Any]:
        """Returns plain numbers, ready for JSON: inf and NaN become None."""
        own = [
            "quantity",
            "value",
            "standard_error",
            "lower",
            "upper",
            "kind",
            "p_value",
            "num_samples",
        ]
        found = {name: getattr(self, name) for name in own} | {"bound": self.estimator}
        names = [
            "ceiling",
            "saturated",
            "converged",
            "num_nonfinite",
            "per_seed",
            "num_seeds",
            "seconds",
            "compile_seconds",
            "warnings",
        ]
        found |= {name: getattr(self.diagnostics, name) for name in names}
        return {name: jsonable(value) for name, value in found.items()}

    def plot(self, ax: Any = None) -> Any:
        """Draws the value, its interval and the seeds with Matplotlib.

        Args:
            ax: Matplotlib axes; None for a new figure.

        Returns:
            The axes.

        Raises:
            ImportError: if Matplotlib is not installed.
        """
        from jaxinfo.reporting import draw_estimate

        return draw_estimate(self, ax)

    def __str__(self) -> str:
        """One line: value, error, interval, p-value, estimator, kind and flags."""
        kind = self.kind.replace("_", " ")
        p_value = "" if self.p_value is None else f", p = {self.p_value:.3f}"
        seeds = self.diagnostics.num_seeds
        trained = f", {seeds} seeds" if seeds > 1 else ""
        return (
            f"{self.quantity}: {self.value:.3f} ± {self.standard_error:.3f} nats, "
            f"95 % [{self.lower:.3f}, {self.upper:.3f}]{p_value} "
            f"({self.estimator}, {kind}{trained})"
            + "".join(f"; {flag}" for flag in self._flags())
        )

    def _flags(self) -> list[str]:
        """Short descriptions of the problems of the run."""
        found = self.diagnostics
        flags = ["saturated"] * found.saturated
        flags += ["not converged"] * (not found.converged)
        flags += [f"{found.num_nonfinite} skipped updates"] * (found.num_nonfinite > 0)
        return flags

    def _repr_html_(self) -> str:
        """The estimate as an HTML table, for notebooks."""
        p_value = "" if self.p_value is None else f"{self.p_value:.3f}"
        cells = {
            self.quantity: f"{self.value:.3f} ± {self.standard_error:.3f} nats",
            "95 % interval": f"[{self.lower:.3f}, {self.upper:.3f}]",
            "p-value": p_value,
            "estimator": self.estimator,
            "kind": self.kind.replace("_", " "),
            "rows": f"{self.num_samples:,}",
            "flags": ", ".join(self._flags()),
            "warnings": "; ".join(self.diagnostics.warnings),
        }
        rows = "".join(
            f"<tr><th>{html.escape(name)}</th><td>{html.escape(text)}</td></tr>"
            for name, text in cells.items()
            if text
        )
        return f"<table>{rows}</table>"


def jsonable(value: Any) -> Any:
    """Converts a number or a list for JSON: None for inf and NaN."""
    if isinstance(value, np.ndarray | tuple | list):
        return [jsonable(x) for x in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.integer | np.bool_):
        return value.item()
    return value
