"""The paper's further probes of the representations of one seed."""

from typing import Any

__all__ = ["FURTHER", "run_further_probes"]

# The unit of each: percent, a share from 0 to 1, or nats.
FURTHER = {
    "support_vectors": "%",
    "neighbors": "%",
    "nmi": "",
    "ari": "",
    "similarity": "",
    "dependence": "nats",
    "information": "nats",
}
# Windows of the structural similarity: the digits are smaller than 11 pixels.
SMALL_WINDOW, WINDOW = 7, 11


def run_further_probes(
    key: Any, train: Any, test: Any, data: Any, decoder: Any
) -> dict[str, float]:
    """The values of the further probes.

    Args:
        key: random key.
        train: representations of the training images, [N, D].
        test: representations of the test images, [M, D].
        data: images, unsigned bytes, and labels.
        decoder: a network from representations to images.

    Returns:
        Values by the names of `FURTHER`.
    """
    import jax

    from jaxinfo.estimation import TrainConfig, Variational, VariationalDivergence
    from jaxinfo.infomax import (
        LabeledData,
        RepresentedImages,
        clustering_probe,
        dependence_probe,
        information_probe,
        linear_svm_probe,
        nearest_neighbors_probe,
        reconstruction_probe,
    )

    keys = jax.random.split(key, 5)
    sets = LabeledData(train, data.train_labels), LabeledData(test, data.test_labels)
    train_images, test_images = (
        images.astype(float) / 255 for images in (data.train, data.test)
    )
    window = WINDOW if train_images.shape[1] >= WINDOW else SMALL_WINDOW
    found = {
        "support_vectors": linear_svm_probe(keys[0], *sets, num_seeds=1),
        "neighbors": nearest_neighbors_probe(*sets),
        **clustering_probe(keys[1], sets[1], num_seeds=1),
        "similarity": reconstruction_probe(
            keys[2],
            decoder,
            RepresentedImages(train, train_images),
            RepresentedImages(test, test_images),
            window_size=window,
            num_seeds=1,
        ),
        # KL is infinite for representations on a lower-dimensional set; this divergence
        # is at most 2 ln 2.
        "dependence": dependence_probe(
            keys[3],
            train,
            divergence="JENSEN_SHANNON",
            estimator=VariationalDivergence(train=TrainConfig(num_seeds=2)),
        ),
        "information": information_probe(
            keys[4],
            train_images,
            train,
            estimator=Variational("info_nce", train=TrainConfig(num_seeds=2)),
        ),
    }
    return {name: probe.value for name, probe in found.items()}
