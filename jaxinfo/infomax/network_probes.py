"""Probes by a network that is trained on frozen features."""

import dataclasses

import jax
import jax.numpy as jnp
import optax

from jaxinfo import training
from jaxinfo.core.checks import check_key, check_positive
from jaxinfo.core.types import (
    Array,
    Float,
    Key,
    Network,
    PyTree,
    apply_in_training,
    as_network,
)
from jaxinfo.infomax.probes import (
    DEFAULT_OPTIMIZER,
    LabeledData,
    Probe,
    check_labeled,
    make_probe,
    sizes_of,
    standardize,
)
from jaxinfo.training import GradientDescentState, make_gradient_descent, sweep

__all__ = ["network_probe", "probe_accuracy"]


def probe_accuracy(
    key: Key[Array, ""],
    network: Network,
    train: LabeledData,
    test: LabeledData,
    *,
    optimizer: optax.GradientTransformation,
    num_steps: int,
    batch_size: int,
    num_evals: int = 20,
) -> Float[Array, ""]:
    """Trains a classifier of frozen features and returns its test accuracy.

    The accuracy is evaluated several times during training, and the mean over the last
    half is returned, as the paper averages over the last hundred epochs. The function
    is pure: it may be used under `jit` and `vmap`.

    Source: Hjelm et al., "Learning deep representations by mutual information
        estimation and maximization", ICLR 2019, section 4.1.

    Args:
        key: random key.
        network: `apply(params, features [N, D]) -> log-odds [N, K]`, such as
            `networks.probe_classifier(K)`; without hidden layers it is a linear one.
        train: training data.
        test: test data.
        optimizer: an Optax optimizer.
        num_steps: number of updates, a multiple of `num_evals`.
        batch_size: rows per update.
        num_evals: number of evaluations, at equal distances.

    Returns:
        The accuracy in percent, [].

    Raises:
        ValueError: if the two sets or the counts do not match.
    """
    network = as_network(network, name="network")
    train, test = check_labeled(train=train, test=test)
    check_positive(num_steps=num_steps, batch_size=batch_size, num_evals=num_evals)
    if num_steps % num_evals:
        raise ValueError(
            f"num_steps must be a multiple of num_evals {num_evals}, got {num_steps}"
        )
    features, test_features = standardize(train.features, test.features)
    for_init, for_steps, _ = jax.random.split(key, 3)

    def init_params(key: Array) -> dict[str, PyTree]:
        return {"network": network.init(key, features[:2])}

    def loss(key: Array, params: PyTree, rows: Array) -> tuple[Array, PyTree]:
        logits, statistics = apply_in_training(
            network, key, params["network"], features[rows]
        )
        losses = optax.softmax_cross_entropy_with_integer_labels(
            logits, train.labels[rows]
        )
        return jnp.mean(losses), {"network": statistics}

    def accuracy(state: GradientDescentState) -> Array:
        logits = network.apply(state.params["network"], test_features)
        return 100 * jnp.mean(jnp.argmax(logits, axis=1) == test.labels)

    descent = make_gradient_descent(init_params, loss, optimizer)
    run = training.train(
        for_steps,
        descent.init(for_init),
        sample_batch=training.make_row_sampler(len(features), batch_size),
        step=descent.step,
        num_steps=num_steps,
        eval_every=num_steps // num_evals,
        observe=accuracy,
    )
    return jnp.mean(run.observed[num_evals // 2 :])


def network_probe(
    key: Key[Array, ""],
    network: Network,
    train: LabeledData,
    test: LabeledData,
    *,
    optimizer: optax.GradientTransformation | None = None,
    num_steps: int = 2_000,
    batch_size: int = 64,
    num_evals: int = 20,
    num_seeds: int = 5,
) -> Probe:
    """Evaluates features by `probe_accuracy`, repeated for several seeds.

    Source: Hjelm et al., "Learning deep representations by mutual information
        estimation and maximization", ICLR 2019, section 4.1, with 200 hidden units.

    Args:
        key: random key.
        network: a classifier, as in `probe_accuracy`.
        train: training data.
        test: test data.
        optimizer: an Optax optimizer; None for Adam at 0.001.
        num_steps: number of updates, a multiple of `num_evals`.
        batch_size: rows per update, at most all training rows.
        num_evals: number of evaluations, of which the last half is averaged.
        num_seeds: number of trainings of the classifier.

    Returns:
        A `Probe` of the test accuracy in percent.

    Raises:
        ValueError: if the two sets or the counts do not match.
    """
    check_key(0, key=key)
    check_positive(num_seeds=num_seeds)
    network = as_network(network, name="network")
    train, test = check_labeled(train=train, test=test)
    run = _Run(
        network,
        DEFAULT_OPTIMIZER if optimizer is None else optimizer,
        num_steps,
        min(batch_size, len(train.labels)),
        num_evals,
    )
    accuracies = sweep(run, jax.random.split(key, num_seeds), train, test)
    return make_probe(
        jax.device_get(accuracies),
        probe="network",
        unit="percent",
        num_steps=num_steps,
        batch_size=batch_size,
        evaluations_averaged=num_evals - num_evals // 2,
        optimizer="adam(0.001)" if optimizer is None else "given",
        **sizes_of(train, test),
    )


@dataclasses.dataclass(frozen=True)
class _Run:
    """`probe_accuracy` for a sweep; equal settings share one compiled program."""

    network: Network
    optimizer: optax.GradientTransformation
    num_steps: int
    batch_size: int
    num_evals: int

    def __call__(
        self, key: Array, train: LabeledData, test: LabeledData
    ) -> Float[Array, ""]:
        return probe_accuracy(
            key,
            self.network,
            train,
            test,
            optimizer=self.optimizer,
            num_steps=self.num_steps,
            batch_size=self.batch_size,
            num_evals=self.num_evals,
        )
