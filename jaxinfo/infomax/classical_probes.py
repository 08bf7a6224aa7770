"""Probes by scikit-learn: support vectors, nearest neighbors, clusters."""

from collections.abc import Callable

import jax
import numpy as np

from jaxinfo.core.checks import check_positive
from jaxinfo.core.types import Array, Key
from jaxinfo.infomax.probes import (
    LabeledData,
    Probe,
    check_labeled,
    make_probe,
    sizes_of,
    standardize,
)

__all__ = ["clustering_probe", "linear_svm_probe", "nearest_neighbors_probe"]


def linear_svm_probe(
    key: Key[Array, ""],
    train: LabeledData,
    test: LabeledData,
    *,
    regularization: float = 1.0,
    num_seeds: int = 5,
) -> Probe:
    """A linear support vector machine, one class against the rest.

    Source: Hjelm et al., ICLR 2019, table 3, five runs; scikit-learn's `LinearSVC`.

    Args:
        key: random key.
        train: what it learns from.
        test: what it is judged by.
        regularization: its C.
        num_seeds: runs, each on a random nine tenths of the training rows.

    Returns:
        The accuracy in percent, a `Probe`.

    Raises:
        ValueError: where the sets do not fit each other.
    """
    from sklearn.svm import LinearSVC

    check_positive(num_seeds=num_seeds)
    train, test = check_labeled(train=train, test=test)
    features, seen = map(np.asarray, standardize(train.features, test.features))
    labels, truth = np.asarray(train.labels), np.asarray(test.labels)

    def run(key: Array) -> float:
        rows = np.asarray(jax.random.permutation(key, len(labels)))
        rows = rows[: -(-9 * len(rows) // 10)]
        machine = LinearSVC(C=regularization, random_state=0)
        machine.fit(features[rows], labels[rows])
        return 100 * float(np.mean(machine.predict(seen) == truth))

    return make_probe(
        [run(key) for key in jax.random.split(key, num_seeds)],
        probe="linear support vector machine",
        unit="percent",
        regularization=regularization,
        share_of_training_rows=0.9,
        **sizes_of(train, test),
    )


def nearest_neighbors_probe(
    train: LabeledData, test: LabeledData, *, num_neighbors: int = 5
) -> Probe:
    """The most frequent class among the nearest training rows.

    Source: scikit-learn's `KNeighborsClassifier`.

    Args:
        train: the neighbors.
        test: what it is judged by.
        num_neighbors: so many of them, by Euclidean distance.

    Returns:
        The accuracy in percent, a `Probe` of one run, for nothing in it is random.

    Raises:
        ValueError: where the sets do not fit each other.
    """
    from sklearn.neighbors import KNeighborsClassifier

    check_positive(num_neighbors=num_neighbors)
    train, test = check_labeled(train=train, test=test)
    features, seen = map(np.asarray, standardize(train.features, test.features))
    neighbors = KNeighborsClassifier(min(num_neighbors, len(features)))
    neighbors.fit(features, np.asarray(train.labels))
    accuracy = 100 * float(neighbors.score(seen, np.asarray(test.labels)))
    return make_probe(
        [accuracy],
        probe="nearest neighbors",
        unit="percent",
        num_neighbors=num_neighbors,
        **sizes_of(train, test),
    )


def clustering_probe(
    key: Key[Array, ""], labeled: LabeledData, *, num_seeds: int = 5
) -> dict[str, Probe]:
    """How well as many clusters as classes, found without labels, meet the classes.

    Source: scikit-learn's `KMeans`, `normalized_mutual_info_score` and
        `adjusted_rand_score`.

    Args:
        key: random key.
        labeled: features and classes.
        num_seeds: runs of k-means.

    Returns:
        "nmi", the information between cluster and class over the mean of their
        entropies, and "ari", the share of agreeing pairs beyond chance, each a `Probe`.

    Raises:
        ValueError: where features and labels do not fit each other.
    """
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    check_positive(num_seeds=num_seeds)
    (labeled,) = check_labeled(labeled=labeled)
    (features,) = map(np.asarray, standardize(labeled.features))
    labels = np.asarray(labeled.labels)
    num_clusters = len(np.unique(labels))

    def run(seed: int) -> np.ndarray:
        return KMeans(num_clusters, random_state=seed).fit_predict(features)

    seeds = jax.random.randint(key, (num_seeds,), 0, 2**31 - 1).tolist()
    clusters = [run(seed) for seed in seeds]
    scores: dict[str, Callable[..., float]] = {
        "nmi": normalized_mutual_info_score,
        "ari": adjusted_rand_score,
    }
    return {
        name: make_probe(
            [score(labels, found) for found in clusters],
            probe=f"{name} of k-means",
            unit="share",
            num_clusters=num_clusters,
            num_rows=len(labels),
            num_features=features.shape[1],
        )
        for name, score in scores.items()
    }
