"""The paper's other judges of a code, on the code of one seed."""

from typing import Any

__all__ = ["FURTHER", "judge_further"]

# What each is told in: percent, shares from 0 to 1, and nats.
FURTHER = {
    "support_vectors": "%",
    "neighbors": "%",
    "nmi": "",
    "ari": "",
    "similarity": "",
    "dependence": "nats",
    "information": "nats",
}
# The smallest window that the digits hold.
SMALL_WINDOW, WINDOW = 7, 11


def judge_further(
    key: Any, train: Any, test: Any, data: Any, decoder: Any
) -> dict[str, float]:
    """The value of every further probe.

    Args:
        key: random key.
        train: codes of the training images, [N, D].
        test: codes of the test images.
        data: the images, of bytes, and their labels.
        decoder: a network from codes to images.

    Returns:
        By the names of `FURTHER`.
    """
    import jax

    from jaxinfo.infomax import (
        LabeledData,
        Pictured,
        clustering_probe,
        dependence_probe,
        information_probe,
        linear_svm_probe,
        nearest_neighbors_probe,
        reconstruction_probe,
    )

    keys = jax.random.split(key, 5)
    sets = LabeledData(train, data.train_labels), LabeledData(test, data.test_labels)
    seen, unseen = (images.astype(float) / 255 for images in (data.train, data.test))
    window = WINDOW if seen.shape[1] >= WINDOW else SMALL_WINDOW
    found = {
        "support_vectors": linear_svm_probe(keys[0], *sets, num_seeds=1),
        "neighbors": nearest_neighbors_probe(*sets),
        **clustering_probe(keys[1], sets[1], num_seeds=1),
        "similarity": reconstruction_probe(
            keys[2],
            decoder,
            Pictured(train, seen),
            Pictured(test, unseen),
            window_size=window,
            num_seeds=1,
        ),
        # Codes of images fill no volume: KL has no end, this one ends at 2 ln 2.
        "dependence": dependence_probe(
            keys[3], train, divergence="JENSEN_SHANNON", num_seeds=2
        ),
        "information": information_probe(
            keys[4], seen, train, bound="info_nce", num_seeds=2
        ),
    }
    return {name: probe.value for name, probe in found.items()}
