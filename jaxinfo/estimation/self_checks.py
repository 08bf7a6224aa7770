"""Self-consistency checks of an estimator on data whose information is unknown."""

import dataclasses
import math
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxinfo.core.checks import check_finite_number, check_host_key
from jaxinfo.core.types import Array, Key
from jaxinfo.data.containers import Table, beside
from jaxinfo.estimation.estimate import Estimate, jsonable
from jaxinfo.estimation.estimators import (
    Estimator,
    find_estimator,
)
from jaxinfo.estimation.pair_estimator import estimate_pair
from jaxinfo.estimation.preprocessing import MIN_ROWS, warn
from jaxinfo.estimation.samples import Samples, read_samples
from jaxinfo.estimation.uncertainty import Z_95

__all__ = ["SelfCheck", "SelfChecks", "check_mutual_information"]

LEVEL = 0.05


class SelfCheck(NamedTuple):
    """The outcome of one check.

    Attributes:
        name: name of the check.
        passed: whether the difference is within the allowed one.
        expected: expected value, nats; for "permutation" the largest p-value that is
            compatible with the estimate.
        found: value found, nats; for "permutation" the p-value.
        sentence: a sentence with both values and the allowed difference.
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
    """An estimate and the self-consistency checks of its estimator on the same data.

    Attributes:
        estimate: the estimate for x and y as given.
        checks: the outcome of each check.
    """

    estimate: Estimate
    checks: tuple[SelfCheck, ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """Returns the numbers of the estimate and of each check, ready for JSON."""
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
    estimator: str | Estimator | None = None,
    tolerance: float = 0.01,
) -> SelfChecks:
    """Checks the self-consistency of an estimator on your own data, in nats.

    The checks hold for any distribution of x and y. Let y' be a noisy copy of y: in a
    random half of the rows, y is replaced by the y of another row of that half.

    - permutation: if the data are not distinguishable from shuffled pairs (p > 0.05),
      the interval must reach 0; only for estimators that report a p-value.
    - independence: I(x; y shuffled) = 0.
    - data processing: I(x; y') <= I(x; y).
    - redundancy: I(x; (y, y')) = I(x; y).
    - additivity: I((x_1, x_2); (y_1, y_2)) = 2 I(x; y), with the rows split into two
      halves that are placed side by side.

    Source: Song and Ermon, "Understanding the limitations of variational mutual
        information estimators", ICLR 2020, section 5, with y' in place of images whose
        rows are masked: it has the shape and the distribution of y.

    Args:
        key: random key.
        x: rows of x, [N, ...] of any trailing shape.
        y: rows of y, [N, ...]; row i is paired with row i of x.
        estimator: an estimator or its name, as in `estimate_mutual_information`.
        tolerance: a difference in nats that always passes.

    Returns:
        The `SelfChecks`, whose string has one line for each check.

    Raises:
        ValueError: if an argument does not fit; the message names it.

    Notes:
        A check fails if the difference from the expected value exceeds both `tolerance`
        and 1.96 sqrt(s_1^2 + s_2^2), with the standard errors of both sides (twice that
        of I(x; y) for additivity). Data processing fails only if the value is too
        large; permutation fails if p > 0.05 and the interval lies above `tolerance`.
        The errors are combined as if they were independent. Most rows are shared, so
        the difference varies less: an unbiased estimator with correct standard errors
        fails a check on at most about 1 of 20 data sets. The standard error of a named
        bound describes the bound and not the information, so a bound far below the
        information can fail.

        Passing proves nothing: an estimator that always returns 0 passes. Additivity
        uses half the rows and twice the coordinates, so an estimator that is accurate
        on all rows can fail it. The estimator runs five times, on three shapes.

    Example:
        >>> x, noise = np.random.default_rng(0).normal(size=(2, 500, 2))
        >>> checks = check_mutual_information(
        ...     jax.random.key(0), x, x + noise, estimator="gaussian"
        ... )
        >>> checks.passed
        True
    """
    check_host_key(key)
    samples = read_samples(x=x, y=y)
    estimator = find_estimator(estimator)
    check_finite_number(0, math.inf, tolerance=tolerance)
    x, y = samples.tables.values()
    if len(x) < 2 * MIN_ROWS:
        raise ValueError(
            f"x and y have {len(x)} rows; halves need {2 * MIN_ROWS} and more"
        )

    def run(key: Array, x: Table, y: Table) -> Estimate:
        return estimate_pair(estimator, key, Samples({"x": x, "y": y}))

    draw_key, *keys = jax.random.split(key, 6)
    generator = np.random.default_rng(np.asarray(jax.random.key_data(draw_key)))
    noisy = _replaced(generator, y, len(y) // 2)
    # The estimate with the fewest rows runs first, so that its errors come early.
    glued = run(keys[0], *_glue_halves(generator, x, y))
    estimate = run(keys[1], x, y)
    shuffled = run(keys[2], x, _replaced(generator, y, len(y)))
    processed = run(keys[3], x, noisy)
    redundant = run(keys[4], x, _beside(y, noisy))

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
    warn([*samples.warnings, *estimate.diagnostics.warnings])
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


def _replaced(generator: np.random.Generator, rows: Table, number: int) -> Table:
    """Returns a copy of rows, `number` of which are permuted among each other."""
    drawn = generator.permutation(len(rows))[:number]
    order = np.arange(len(rows))
    order[drawn] = np.roll(drawn, 1)
    return rows.take(order)


def _glue_halves(
    generator: np.random.Generator, x: Table, y: Table
) -> tuple[Table, Table]:
    first, second = generator.permutation(len(x) // 2 * 2).reshape(2, -1)
    return (
        _beside(x.take(first), x.take(second)),
        _beside(y.take(first), y.take(second)),
    )


def _beside(left: Table, right: Table) -> Table:
    """Joins rows along the first axis after that of rows."""
    join = np.stack if left.values.ndim == 1 else np.concatenate
    values = join([left.values, right.values], axis=1)
    return dataclasses.replace(beside(left, right), values=values)
