"""Critics that correct the base densities, trained in one compiled sweep."""

import dataclasses
import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxinfo.core.types import Array, Critic, Float, Key, PyTree
from jaxinfo.estimation.cross_fitted.base_densities import log_ratio_of_statistics
from jaxinfo.estimation.cross_fitted.config import CriticKind, CrossFittedConfig
from jaxinfo.estimation.cross_fitted.fold_maps import CriticInputs
from jaxinfo.estimation.variational.fit import RunResult, as_critic
from jaxinfo.estimation.variational.registry import information_bound
from jaxinfo.estimation.variational.run import make_run
from jaxinfo.information.scoring import equal_blocks, score_blocks
from jaxinfo.networks import joint_critic
from jaxinfo.training.sweep import Layout, sweep

__all__ = ["CriticRun", "TrainedCritics", "inputs_of_kind", "make_critic", "train_critics"]


def make_critic(config: CrossFittedConfig, num_statistics: int) -> Critic:
    """T(x, y) = log ratio of the base density + network of the features.

    Args:
        config: settings.
        num_statistics: number of leading columns that are sufficient statistics.

    Returns:
        The critic of rows [N, statistics and features].
    """
    network = (
        joint_critic(config.hidden_sizes, activation=jax.nn.silu, zero_init=True)
        if config.critic is None
        else as_critic(config.critic)
    )
    base, features = np.s_[:, :num_statistics], np.s_[:, num_statistics:]

    def init(key: Array, x: Array, y: Array) -> PyTree:
        return network.init(key, x[features], y[features])

    def apply(params: PyTree, x: Array, y: Array) -> Array:
        base_ratio = log_ratio_of_statistics(x[base], y[base])
        return base_ratio + network.apply(params, x[features], y[features])

    return Critic(init, apply)


def inputs_of_kind(inputs: CriticInputs, kind: CriticKind) -> np.ndarray | Array:
    """What a critic of one kind sees of rows, [N, statistics and features].

    Args:
        inputs: of all critics.
        kind: the kind.

    Returns:
        Statistics, all zero unless the critic corrects the base density; then features,
        zero where the critic does not see them.
    """
    xp = inputs.features.__array_namespace__()
    seen = np.ones_like(inputs.leading) if kind.sees_all_features else inputs.leading
    statistics = inputs.statistics * float(kind.corrects_base)
    return xp.concatenate([statistics, inputs.features * seen], axis=1)


class TrainedCritics(NamedTuple):
    """Results of C critics of each of K folds; leading axes [C, K].

    Attributes:
        result: of the training runs.
        train: scores of pairs within blocks of training rows, [C, K, B, m, m].
        validation: the same of validation rows.
        test: the same of held-out rows.
    """

    result: RunResult
    train: Float[np.ndarray, "c k b m m"]
    validation: Float[np.ndarray, "c k b m m"]
    test: Float[np.ndarray, "c k b m m"]


@dataclasses.dataclass(frozen=True)
class CriticRun:
    """Trains one critic and scores its rows; equal runs hash equal and compile once.

    Attributes:
        config: settings.
        sizes: number of training, validation and test rows.
        num_statistics: number of leading columns that are sufficient statistics.
    """

    config: CrossFittedConfig
    sizes: tuple[int, int, int]
    num_statistics: int

    def __call__(
        self, key: Key[Array, ""], x: Array, y: Array, *, index: Array, weight_decay: Array
    ) -> tuple[RunResult, list[Array]]:
        """Trains critic number `index`.

        Args:
            key: random key, the same for all critics.
            x: inputs of x for every critic, [C K, N, ...], training rows first, then
                validation and test rows.
            y: inputs of y.
            index: number of the critic.
            weight_decay: of AdamW.

        Returns:
            The result, and scores of pairs within blocks of training, validation and
            test rows, [B, m, m] each; as many training rows as test rows.
        """
        config = self.config
        critic = make_critic(config, self.num_statistics)
        bound = information_bound(config.bound)
        # Selected by the bound that is trained, if it can be evaluated by itself.
        select = bound.select or getattr(bound.objective, "value", None)
        run = make_run(
            critic,
            bound=dataclasses.replace(bound, select=select),
            optimizer=functools.partial(optax.adamw, config.learning_rate),
            num_steps=config.train.num_steps,
            batch_size=config.train.batch_size,
            num_negatives=config.num_negatives,
            eval_every=config.train.eval_every,
            patience=config.train.patience,
            keep_initial=True,
            ema_decay=config.ema_decay,
            report_progress=config.train.shows_progress,
        )
        ends = np.cumsum(self.sizes)[:-1]
        parts = list(
            zip(*(jnp.split(rows[index], ends) for rows in (x, y)), strict=True)
        )
        result = run(
            jax.random.fold_in(key, index), *parts, weight_decay=weight_decay
        )
        scores = []
        for rows_x, rows_y in parts:
            count = min(len(rows_x), self.sizes[2])
            blocks = equal_blocks(count)
            scores.append(
                score_blocks(critic, result.params, rows_x, rows_y, blocks)
            )
        return result, scores


def train_critics(
    key: Key[Array, ""],
    inputs: list[list[CriticInputs]],
    sizes: tuple[int, int, int],
    config: CrossFittedConfig,
) -> TrainedCritics:
    """Trains the critics of all folds in one compiled call.

    Args:
        key: random key.
        inputs: of x and of y in every fold, training rows first, then validation and
            test rows.
        sizes: number of training, validation and test rows.
        config: settings.

    Returns:
        The `TrainedCritics`.
    """
    kinds, num_folds = config.kinds, config.num_folds
    # Converted on the host: on the device, each shape would compile a program.
    dtype = jax.dtypes.canonicalize_dtype(float)
    x, y = (
        np.stack(
            [inputs_of_kind(fold, kind) for kind in kinds for fold in side]
        ).astype(dtype)
        for side in inputs
    )
    decays = np.repeat([kind.weight_decay for kind in kinds], num_folds)
    # Critics of a fold are neighbors: one kind stops sooner than the other, and every
    # device gets both.
    order = np.arange(len(decays)).reshape(len(kinds), num_folds).T.ravel()
    run = CriticRun(config, sizes, inputs[0][0].statistics.shape[1])
    result, scores = jax.device_get(
        sweep(
            run,
            key[None],
            x,
            y,
            settings={"index": order, "weight_decay": decays[order].astype(dtype)},
            layout=_layout(config.train.layout),
        )
    )
    back = np.argsort(order).reshape(len(kinds), num_folds)
    result = jax.tree.map(lambda leaf: leaf[back, 0], result)
    return TrainedCritics(result, *(part[back, 0].astype(float) for part in scores))


def _layout(layout: Layout) -> Layout:
    # On a processor one critic after the other, so that none waits for the last to stop.
    if layout != "auto" or jax.default_backend() != "cpu":
        return layout
    return "mesh_map" if jax.device_count() > 1 else "map"
