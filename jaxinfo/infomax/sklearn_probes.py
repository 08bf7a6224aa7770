"""Probes by scikit-learn: support vector machine, nearest neighbors, k-means."""

from collections.abc import Callable

import jax
import numpy as np

from jaxinfo.core.checks import check_key, check_positive
from jaxinfo.core.extras import import_extra
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
    """Evaluates features by a linear support vector machine, one class versus the rest.

    Source: Hjelm et al., "Learning deep representations by mutual information
        estimation and maximization", ICLR 2019, table 3, with five runs; scikit-learn's
        `LinearSVC`.

    Args:
        key: random key.
        train: training data.
        test: test data.
        regularization: the parameter C of `LinearSVC`.
        num_seeds: number of runs, each on a random nine tenths of the training rows.

    Returns:
        A `Probe` of the test accuracy in percent.

    Raises:
        ValueError: if the two sets do not match.
        ImportError: if scikit-learn is not installed.
    """
    svm = import_extra("sklearn.svm", "cli")
    check_key(0, key=key)
    check_positive(num_seeds=num_seeds)
    train, test = check_labeled(train=train, test=test)
    features, test_features = map(
        np.asarray, standardize(train.features, test.features)
    )
    labels, test_labels = np.asarray(train.labels), np.asarray(test.labels)

    def run(key: Array) -> float:
        rows = np.asarray(jax.random.permutation(key, len(labels)))
        rows = rows[: -(-9 * len(rows) // 10)]
        machine = svm.LinearSVC(C=regularization, random_state=0)
        machine.fit(features[rows], labels[rows])
        return 100 * float(np.mean(machine.predict(test_features) == test_labels))

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
    """Evaluates features by the most frequent class among the nearest training rows.

    Source: scikit-learn's `KNeighborsClassifier`.

    Args:
        train: training data.
        test: test data.
        num_neighbors: number of neighbors, by Euclidean distance.

    Returns:
        A `Probe` of the test accuracy in percent, from one run, since there is no
        randomness.

    Raises:
        ValueError: if the two sets do not match.
        ImportError: if scikit-learn is not installed.
    """
    neighbors = import_extra("sklearn.neighbors", "cli")
    check_positive(num_neighbors=num_neighbors)
    train, test = check_labeled(train=train, test=test)
    features, test_features = map(
        np.asarray, standardize(train.features, test.features)
    )
    classifier = neighbors.KNeighborsClassifier(min(num_neighbors, len(features)))
    classifier.fit(features, np.asarray(train.labels))
    accuracy = 100 * float(classifier.score(test_features, np.asarray(test.labels)))
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
    """Evaluates how well clusters of features, found without labels, match classes.

    K-means finds as many clusters as there are classes.

    Source: scikit-learn's `KMeans`, `normalized_mutual_info_score` and
        `adjusted_rand_score`.

    Args:
        key: random key.
        labeled: features and classes.
        num_seeds: number of runs of k-means.

    Returns:
        "nmi", the mutual information of cluster and class over the mean of their
        entropies, and "ari", the adjusted Rand index, each a `Probe`.

    Raises:
        ValueError: if features and labels do not match.
        ImportError: if scikit-learn is not installed.
    """
    cluster = import_extra("sklearn.cluster", "cli")
    metrics = import_extra("sklearn.metrics", "cli")
    check_key(0, key=key)
    check_positive(num_seeds=num_seeds)
    (labeled,) = check_labeled(labeled=labeled)
    (features,) = map(np.asarray, standardize(labeled.features))
    labels = np.asarray(labeled.labels)
    num_clusters = len(np.unique(labels))

    def run(seed: int) -> np.ndarray:
        return cluster.KMeans(num_clusters, random_state=seed).fit_predict(features)

    seeds = jax.random.randint(key, (num_seeds,), 0, 2**31 - 1).tolist()
    clusters = [run(seed) for seed in seeds]
    scores: dict[str, Callable[..., float]] = {
        "nmi": metrics.normalized_mutual_info_score,
        "ari": metrics.adjusted_rand_score,
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
