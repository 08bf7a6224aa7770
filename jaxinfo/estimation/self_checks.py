"""Whether an estimator agrees with itself on data whose information nobody knows."""

import dataclasses
import inspect
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxinfo.core.checks import check_finite_number, check_key
from jaxinfo.core.types import Array, Key
from jaxinfo.estimation.mutual_information import estimate_mutual_information
from jaxinfo.estimation.preprocessing import MIN_ROWS, check_rows, check_same_rows
from jaxinfo.estimation.report import Estimate, jsonable
from jaxinfo.estimation.uncertainty import Z_95

__all__ = ["SelfCheck", "SelfChecks", "check_mutual_information"]

LEVEL = 0.05


class SelfCheck(NamedTuple):
    """One thing that must hold whatever the truth is.

    Attributes:
        name: of the check.
        passed: whether it holds, errors allowed for.
        expected: what should come out, nats; of "permutation", the largest p-value that
            goes with the estimate.
        found: what came out, nats; of "permutation", the p-value.
        sentence: both in words, with the difference that was allowed.
    """

    name: str
    passed: bool
    expected: float
    found: float
    sentence: str

    def __str__(self) -> str:
        verdict = "passed" if self.passed else "FAILED"
        return f"{verdict} {self.name}: {self.sentence}"


@dataclasses.dataclass(frozen=True)
class SelfChecks:
    """The estimate on the data, and whether the estimator agrees with itself there.

    Attributes:
        estimate: of x and y as given.
        checks: each check.
    """

    estimate: Estimate
    checks: tuple[SelfCheck, ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """The estimate's plain numbers, and those of each check, ready for JSON."""
        checks = [
            {name: jsonable(value) for name, value in check._asdict().items()}
            for check in self.checks
        ]
        return self.estimate.to_dict() | {"checks": checks}

    def __str__(self) -> str:
        failed = sum(not check.passed for check in self.checks)
        count = len(self.checks)
        verdict = (
            f"{failed} of {count} checks FAILED" if failed else "all checks passed"
        )
        return "\n".join([str(self.estimate), *map(str, self.checks), verdict])


def check_mutual_information(
    key: Key[Array, ""],
    x: Any,
    y: Any,
    *,
    estimator: Callable[..., Estimate] = estimate_mutual_information,
    tolerance: float = 0.01,
) -> SelfChecks:
    """Checks an estimator against itself on your own data, in nats.

    What must hold for any law of x and y, with y' a noisy copy: in a random half of the
    rows, y is replaced by that of another row of the half.

    - permutation: pairs that are no better than shuffled ones, p > 0.05, hold no
      information; only of estimators that report a p-value.
    - independence: I(x; y shuffled) = 0.
    - data processing: I(x; y') <= I(x; y).
    - redundancy: I(x; (y, y')) = I(x; y).
    - additivity: I((x_1, x_2); (y_1, y_2)) = 2 I(x; y), the rows dealt into two halves
      that are glued side by side.

    Source: Song and Ermon, "Understanding the limitations of variational mutual
        information estimators", ICLR 2020, section 5, with y' in place of rows of an
        image that are masked: it has the shape and the law of y, whatever those are.

    Args:
        key: random key.
        x: rows of x, [N, ...] of any trailing shape.
        y: rows of y, [N, ...], row i paired with row i of x.
        estimator: called as estimator(key, x, y), or as estimator(x, y) where it takes
            no `key`; a `functools.partial` of `estimate_mutual_information` with a
            bound, or of `estimate_classical`, for instance.
        tolerance: a difference in nats that passes in any case.

    Returns:
        The `SelfChecks`: `passed`, `checks`, and `print` for a verdict in lines.

    Raises:
        ValueError: where an argument does not fit, which the message names.

    Notes:
        A check fails where what was found is further from what was expected than
        `tolerance` and than 1.96 sqrt(s_1^2 + s_2^2), with the standard errors of both
        sides (of additivity, twice that of I(x; y)); data processing fails on one side
        only, permutation where p > 0.05 and the interval lies above `tolerance`. The
        errors are added as if independent. They mostly share the rows, so that the
        difference varies less: an estimator without bias and with honest errors fails
        a check on at most about 1 of 20 data sets. The errors of a named bound are of
        the bound, not of the information, so one that is far below it may fail: that is
        what the checks are for.

        To pass is no proof: an estimator that always says 0 passes. Additivity has half
        the rows for twice the coordinates, which not every estimator stands that is
        right on all rows. It takes five estimates, of three shapes.

    Example:
        >>> from functools import partial
        >>> from jaxinfo.estimation import estimate_classical
        >>> x, noise = np.random.default_rng(0).normal(size=(2, 500, 2))
        >>> estimator = partial(estimate_classical, method="gaussian")
        >>> checks = check_mutual_information(
        ...     jax.random.key(0), x, x + noise, estimator=estimator
        ... )
        >>> checks.passed
        True
    """
    check_key(0, key=key)
    check_same_rows(check_rows("x", x)[0], check_rows("y", y)[0])
    if not callable(estimator):
        raise ValueError(f"estimator must be callable, got {type(estimator).__name__}")
    check_finite_number(0, math.inf, tolerance=tolerance)
    x, y = np.asarray(x), np.asarray(y)
    if len(x) < 2 * MIN_ROWS:
        raise ValueError(
            f"x and y have {len(x)} rows; halves need {2 * MIN_ROWS} and more"
        )
    draw_key, *keys = jax.random.split(key, 6)
    generator = np.random.default_rng(np.asarray(jax.random.key_data(draw_key)))
    noisy = _replaced(generator, y, len(y) // 2)
    # First what needs the most rows.
    glued = _estimate(estimator, keys[0], *_glue_halves(generator, x, y))
    estimate = _estimate(estimator, keys[1], x, y)
    shuffled = _estimate(estimator, keys[2], x, _replaced(generator, y, len(y)))
    processed = _estimate(estimator, keys[3], x, noisy)
    redundant = _estimate(estimator, keys[4], x, _beside(y, noisy))

    def compare(
        name: str, words: str, found: Estimate, times: int, *, one_sided: bool = False
    ) -> SelfCheck:
        error = np.hypot(found.standard_error, times * estimate.standard_error)
        expected = times * estimate.value
        allowed = float(np.fmax(tolerance, Z_95 * error))
        difference = found.value - expected
        return SelfCheck(
            name,
            bool((difference if one_sided else abs(difference)) <= allowed),
            expected,
            found.value,
            f"{words}: {found.value:.3f} nats, expected "
            f"{'at most ' * one_sided}{expected:.3f}, {allowed:.3f} allowed",
        )

    checks = [
        compare("independence", "y shuffled", shuffled, 0),
        compare("data processing", "half of y replaced", processed, 1, one_sided=True),
        compare("redundancy", "y beside its noisy copy", redundant, 1),
        compare("additivity", "halves of the rows side by side", glued, 2),
    ]
    if estimate.p_value is not None:
        checks.insert(0, _check_permutation(estimate, estimate.p_value, tolerance))
    return SelfChecks(estimate, tuple(checks))


def _check_permutation(
    estimate: Estimate, p_value: float, tolerance: float
) -> SelfCheck:
    claims = estimate.lower > tolerance
    largest = LEVEL if claims else 1.0
    return SelfCheck(
        "permutation",
        p_value <= largest,
        largest,
        p_value,
        f"p = {p_value:.3f} of independence, and an interval "
        f"{'above' if claims else 'that reaches'} {tolerance:g} nats",
    )


def _estimate(
    estimator: Callable[..., Estimate], key: Array, x: np.ndarray, y: np.ndarray
) -> Estimate:
    takes_key = "key" in inspect.signature(estimator).parameters
    estimate = estimator(key, x, y) if takes_key else estimator(x, y)
    if not isinstance(estimate, Estimate):
        raise ValueError(
            f"estimator must return an Estimate, got {type(estimate).__name__}"
        )
    return estimate


def _replaced(
    generator: np.random.Generator, rows: np.ndarray, number: int
) -> np.ndarray:
    """Rows of which `number`, drawn at random, took the place of each other."""
    drawn = generator.permutation(len(rows))[:number]
    new = rows.copy()
    new[drawn] = rows[np.roll(drawn, 1)]
    return new


def _glue_halves(
    generator: np.random.Generator, x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    first, second = generator.permutation(len(x) // 2 * 2).reshape(2, -1)
    return _beside(x[first], x[second]), _beside(y[first], y[second])


def _beside(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Joined along the first axis that is not that of rows."""
    if left.ndim == 1:
        return np.stack([left, right], axis=1)
    return np.concatenate([left, right], axis=1)
