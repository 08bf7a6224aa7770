"""What every estimation returns: the number, its error, and the kind it is of."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np

__all__ = ["Estimate", "History", "Kind", "jsonable"]

Kind = Literal["lower_bound", "upper_bound", "neither"]


class History(NamedTuple):
    """The validation curve of every seed.

    Attributes:
        steps: updates done at each validation, [T].
        values: what selection maximized on validation rows, [S, T]; NaN after a seed
            stopped. The bound in nats, but for "smile" and the default estimate the
            logistic objective, and for "club" the log-likelihood.
    """

    steps: np.ndarray
    values: np.ndarray


@dataclasses.dataclass(frozen=True)
class Estimate:
    """An estimate in nats, measured on rows that neither training nor selection saw.

    Attributes:
        value: mean over finite seeds, nats; negative values are not clipped.
        standard_error: from the test rows and the spread over seeds, nats.
        lower: lower end of the 95 % interval, nats.
        upper: upper end of the 95 % interval, nats.
        kind: what the population functional behind `value` is to the truth.
        ceiling: the most that this bound can report (log K), nats; inf where none.
        saturated: the value is near its ceiling, or rests on too few product scores.
        converged: the best validation came before the last tenth of the steps.
        num_nonfinite: updates skipped for a non-finite gradient, over all seeds.
        per_seed: the value of every seed, nats, [S].
        history: the validation curves.
        log_ratio: `log_ratio(x, y) -> [N]`, pointwise log density ratio in nats.
        quantity: what was estimated, in words.
        bound: name of the bound.
        num_samples: rows in the data, training part included.
        seconds: wall time of the whole estimation.
        compile_seconds: the part of it spent tracing and compiling.
        warnings: what the data or the run made doubtful, a sentence each.
        p_value: of the hypothesis that the two are independent, from shuffled pairs;
            None where a bound is named or nothing was trained.
    """

    value: float
    standard_error: float
    lower: float
    upper: float
    kind: Kind
    ceiling: float
    saturated: bool
    converged: bool
    num_nonfinite: int
    per_seed: np.ndarray
    history: History
    log_ratio: Callable[..., Any] = dataclasses.field(repr=False)
    quantity: str = "mutual information"
    bound: str = ""
    num_samples: int = 0
    seconds: float = math.nan
    compile_seconds: float = math.nan
    warnings: tuple[str, ...] = ()
    p_value: float | None = None

    @property
    def num_seeds(self) -> int:
        """How many seeds were trained."""
        return len(self.per_seed)

    def to_dict(self) -> dict[str, Any]:
        """The plain numbers, ready for JSON: inf and NaN become None."""
        names = (
            "quantity value standard_error lower upper kind ceiling saturated "
            "converged num_nonfinite per_seed num_seeds num_samples bound seconds "
            "compile_seconds warnings p_value"
        )
        return {name: jsonable(getattr(self, name)) for name in names.split()}

    def __str__(self) -> str:
        kind = self.kind.replace("_", " ")
        flags = [
            flag
            for flag, raised in [
                ("saturated", self.saturated),
                ("not converged", not self.converged),
                (f"{self.num_nonfinite} skipped updates", self.num_nonfinite > 0),
            ]
            if raised
        ]
        independent = "" if self.p_value is None else f", p = {self.p_value:.3f}"
        return (
            f"{self.quantity}: {self.value:.3f} ± {self.standard_error:.3f} nats, "
            f"95 % [{self.lower:.3f}, {self.upper:.3f}]{independent} "
            f"({self.bound}, {kind}, {self.num_seeds} seeds)"
            + "".join(f"; {flag}" for flag in flags)
        )


def jsonable(value: Any) -> Any:
    """What JSON can hold of a number or of a list of them: None for inf and NaN."""
    if isinstance(value, np.ndarray | tuple | list):
        return [jsonable(x) for x in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.integer | np.bool_):
        return value.item()
    return value
