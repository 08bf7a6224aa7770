"""Numbers for labels with many levels: what the other variable is at each level.

A label with many levels has too many indicators for a network. Each level is replaced
by the means of functions of the other variable over the training rows of this level,
shrunken towards the mean of all rows. A training row is encoded by other training rows
only, so that critics see in training what they see on held-out rows.

Source: Micci-Barreca, "A preprocessing scheme for high-cardinality categorical
    attributes in classification and prediction problems", SIGKDD Explorations 2001.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from jaxinfo.estimation.cross_fitted.arrays import Rows, pytree
from jaxinfo.estimation.cross_fitted.config import CrossFittedConfig
from jaxinfo.estimation.cross_fitted.marginals import Labels, Views

__all__ = ["LabelEncoding", "decide_labels", "encode_labels"]

MAX_TARGETS = 8  # Coordinates of the other variable that levels are compared by.
# Fewer levels, or levels with fewer rows beside them, do not show that order means
# nothing. The excess of differences between neighbors over noise is 1 on average.
MIN_LEVELS, MIN_ROWS_OF_NEIGHBORS = 8, 12
MIN_EXCESS, MAX_EXCESS = 1.25, 10.0


@pytree("places", "dropped")
class LabelEncoding:
    """The encodings of the columns of one variable whose labels have many levels."""

    tables: tuple[Rows, ...]  # Code of each level, [L + 1, G]; the last is for others.
    places: tuple[int, ...]  # Columns of `Views.many`.
    dropped: tuple[int, ...]  # Coordinates that the codes replace.

    def apply(self, views: Views) -> Views:
        """The views with codes in place of the encoded coordinates."""
        if not self.dropped:
            return views
        xp = views.many.__array_namespace__()
        codes = [
            xp.asarray(table)[views.many[:, place].astype(int)]
            for table, place in zip(self.tables, self.places, strict=True)
        ]
        return self.replace(views, codes)

    def replace(self, views: Views, codes: Sequence[Rows]) -> Views:
        """The views with these codes, [N, G] each, in place of coordinates."""
        xp = views.normal.__array_namespace__()
        kept = np.delete(np.arange(views.normal.shape[1]), self.dropped)
        names = ("normal", "standardized", "clipped", "about_zero")
        coordinates = {
            name: xp.concatenate([getattr(views, name)[:, kept], *codes], axis=1)
            for name in names
        }
        return views._replace(**coordinates)


def decide_labels(views: Sequence[Views], labels: Sequence[Labels]) -> list[Labels]:
    """Decides which columns of whole numbers hold labels, from all rows of x and y.

    They do if the means of neighboring levels differ more than noise explains.
    """
    decided = []
    for side in range(2):
        own = labels[side]
        targets = _targets(views[1 - side], labels[1 - side])
        are_labels = tuple(
            known or _order_is_meaningless(column.astype(int), targets)
            for known, column in zip(own.are_labels, views[side].many.T, strict=True)
        )
        decided.append(dataclasses.replace(own, are_labels=are_labels))
    return decided


def encode_labels(
    train: Sequence[Views], labels: Sequence[Labels], config: CrossFittedConfig
) -> tuple[list[LabelEncoding], list[Views]]:
    """Fits the encodings of x and of y to training rows.

    Returns:
        Both encodings, and the views of the training rows, each encoded by others.
    """
    targets = [_targets(*side) for side in zip(train, labels, strict=True)]
    fitted = [
        _encode_side(train[side], labels[side], targets[1 - side], config)
        for side in range(2)
    ]
    return [encoding for encoding, _ in fitted], [views for _, views in fitted]


def _encode_side(
    views: Views, labels: Labels, targets: np.ndarray, config: CrossFittedConfig
) -> tuple[LabelEncoding, Views]:
    if not any(labels.are_labels) or not targets.shape[1]:
        return LabelEncoding((), (), ()), views
    tables, places, codes = [], [], []
    part_of = np.arange(len(targets)) % config.num_encoding_parts
    for place in np.flatnonzero(labels.are_labels).tolist():
        level, num_levels = views.many[:, place].astype(int), len(labels.many[place])
        strength = _shrinkage(level, targets, num_levels)
        means = _means(level, targets, num_levels, strength)[level]
        # Combinations of targets whose means differ most between levels.
        directions = np.linalg.svd(means.T @ means)[2][: config.max_codes].T
        projected = targets @ directions
        strength = _shrinkage(level, projected, num_levels)
        code = np.empty_like(projected)
        for part in range(config.num_encoding_parts):
            others, own = part_of != part, part_of == part
            means = _means(level[others], projected[others], num_levels, strength)
            code[own] = means[level[own]]
        tables.append(_means(level, projected, num_levels, strength))
        places.append(place)
        codes.append(code)
    dropped = tuple(labels.many_columns[place] for place in places)
    encoding = LabelEncoding(tuple(tables), tuple(places), dropped)
    return encoding, encoding.replace(views, codes)


def _targets(views: Views, labels: Labels) -> np.ndarray:
    """Functions of the other variable: scores, their squares, and indicators."""
    named = zip(labels.many_columns, labels.are_labels, strict=True)
    unordered = [column for column, is_label in named if is_label]
    scores = np.delete(views.normal, unordered, axis=1)[:, :MAX_TARGETS]
    functions = np.hstack([scores, scores**2, views.levels])
    deviation = functions.std(axis=0)
    return (functions - functions.mean(axis=0)) / np.where(deviation > 0, deviation, 1)


def _means(
    level: np.ndarray, targets: np.ndarray, num_levels: int, strength: np.ndarray
) -> np.ndarray:
    """Shrunken means of centered targets for each level, then 0, [L + 1, G].

    The mean of n rows is multiplied by n / (n + strength).
    """
    counts = np.bincount(level, minlength=num_levels)[:, None]
    sums = [np.bincount(level, column, minlength=num_levels) for column in targets.T]
    shrunken = np.stack(sums, axis=1) / (counts + strength)
    return np.vstack([shrunken, np.zeros((1, targets.shape[1]))])


def _shrinkage(level: np.ndarray, targets: np.ndarray, num_levels: int) -> np.ndarray:
    """The variance of targets within levels over that between them, [G].

    The variance between levels counts as at least a tenth of its sampling error, so
    that codes of all rows have a similar scale.
    """
    counts = np.bincount(level, minlength=num_levels)
    present = np.count_nonzero(counts)
    means = _means(level, targets, num_levels, np.full(targets.shape[1], 1e-9))[level]
    within = ((targets - means) ** 2).sum(axis=0) / max(len(level) - present, 1)
    noise = within * present / len(level)
    between = np.maximum((means**2).mean(axis=0) - noise, 0.1 * noise)
    return within / np.where(between > 0, between, 1.0)


def _order_is_meaningless(level: np.ndarray, targets: np.ndarray) -> bool:
    """Whether means of neighboring levels differ more than noise explains.

    The levels of a rounded number have means that change little from one level to the
    next. Codes of unordered labels do not.
    """
    counts = np.bincount(level)
    counts = counts[counts > 0]
    level = np.unique(level, return_inverse=True)[1]
    if len(counts) < MIN_LEVELS:
        return False
    # Three neighboring levels: a middle one and both beside it.
    three = np.stack([counts[:-2], counts[1:-1], counts[2:]])
    beside = three[0] + three[2]
    enough = three.sum(axis=0) >= MIN_ROWS_OF_NEIGHBORS
    if np.count_nonzero(enough) < MIN_LEVELS:
        return False
    for column in targets.T:
        sums, squares = np.bincount(level, column), np.bincount(level, column**2)
        deviations = squares - sums**2 / counts
        local = deviations[:-2] + deviations[1:-1] + deviations[2:]
        variance = local / np.maximum(three.sum(axis=0) - 3, 1)
        difference = sums[1:-1] / three[1] - (sums[:-2] + sums[2:]) / beside
        excess = difference**2 / np.maximum(
            variance * (1 / three[1] + 1 / beside), 1e-12
        )
        # Near 1 without differences. Single levels in the tails must not decide, and
        # neighboring terms share rows, hence the factor 2.
        mean = np.minimum(excess[enough], MAX_EXCESS).mean()
        if mean > MIN_EXCESS + 4 * np.sqrt(2 * 2 / np.count_nonzero(enough)):
            return True
    return False
