"""Critics that correct the base densities, trained in one compiled sweep."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxinfo.core.checks import check_scores
from jaxinfo.core.types import Array, Critic, Float, Key, PyTree, as_critic
from jaxinfo.estimation.cross_fitted.arrays import Rows
from jaxinfo.estimation.cross_fitted.base_densities import log_ratio_of_statistics
from jaxinfo.estimation.cross_fitted.config import CriticKind, CrossFittedConfig
from jaxinfo.estimation.cross_fitted.fold_maps import CriticInputs
from jaxinfo.estimation.variational.fit import RunResult
from jaxinfo.estimation.variational.registry import information_bound
from jaxinfo.estimation.variational.run import InformationRun, make_run
from jaxinfo.information.scoring import LARGEST_BLOCK, equal_blocks, score_blocks
from jaxinfo.networks import joint_critic
from jaxinfo.training.sweep import Layout, sweep

__all__ = [
    "CriticRun",
    "TrainedCritics",
    "inputs_of_kind",
    "make_critic",
    "train_critics",
]


FEW_ROWS = 16  # Rows that each run reports by itself.
# JAX keeps what it traced, about 10 MB for each shape of the data, beside the programs
# that `sweep` drops.
MAX_SHAPES = 24
_shapes: set[int] = set()  # Hashes, because the runs would keep their networks alive.


def make_critic(
    config: CrossFittedConfig, num_statistics: int, num_components: int = 0
) -> Critic:
    """Makes T(x, y) = log ratio of the base density + network of the features.

    The base density is a mixture if `num_components` is positive.
    """
    network = (
        joint_critic(config.hidden_sizes, activation=jax.nn.silu, zero_init=True)
        if config.critic is None
        else _zero_at_first(as_critic(config.critic))
    )

    def init(key: Array, x: Array, y: Array) -> PyTree:
        return network.init(key, x[:, num_statistics:], y[:, num_statistics:])

    def apply(params: PyTree, x: Array, y: Array) -> Array:
        base, features = np.s_[:, :num_statistics], np.s_[:, num_statistics:]
        correction = network.apply(params, x[features], y[features])
        log_ratio = log_ratio_of_statistics(x[base], y[base], num_components)
        return log_ratio + correction

    return Critic(init, apply)


def _zero_at_first(critic: Critic) -> Critic:
    """The critic times a learned factor that starts at 0.

    A critic that starts elsewhere would replace the base density by noise.
    """

    def init(key: Array, x: Array, y: Array) -> PyTree:
        params = critic.init(key, x, y)
        check_scores("critic", critic.apply, params, x, y)
        return params, jnp.zeros((), x.dtype)

    def apply(params: PyTree, x: Array, y: Array) -> Array:
        own, factor = params
        return factor * critic.apply(own, x, y)

    return Critic(init, apply)


def inputs_of_kind(inputs: CriticInputs, kind: CriticKind) -> Rows:
    """Concatenates statistics and features for one kind of critic, [N, m + F].

    Statistics or features that this kind does not use are zero.
    """
    xp = inputs.features.__array_namespace__()
    seen = 1.0 if kind.sees_all_features else inputs.leading
    statistics = inputs.statistics * float(kind.corrects_base)
    return xp.concatenate([statistics, inputs.features * seen], axis=1)


class TrainedCritics(NamedTuple):
    """Results of C critics of each of K folds, and scores of pairs within blocks."""

    result: RunResult  # Leading axes [C, K].
    train: Float[np.ndarray, "c k b m m"]
    validation: Float[np.ndarray, "c k b m m"]
    test: Float[np.ndarray, "c k b m m"]


@dataclasses.dataclass(frozen=True)
class CriticRun:
    """Trains one critic and scores its rows; equal runs compile once."""

    config: CrossFittedConfig
    sizes: tuple[int, ...]  # Numbers of training, validation and test rows.
    num_statistics: int
    num_components: int = 0  # Of a base density that is a mixture.
    max_block: int = LARGEST_BLOCK  # Rows of a block at most.

    def __call__(
        self,
        key: Key[Array, ""],
        x: Float[Array, "r n f"],
        y: Float[Array, "r n g"],
        *,
        index: Array,
        weight_decay: Array,
    ) -> tuple[RunResult, list[Array]]:
        """Trains critic number `index` on its inputs, x[index] and y[index].

        Returns the result, and the score matrices of the blocks of training, validation
        and test rows. Only as many training rows as test rows are scored.
        """
        critic = make_critic(self.config, self.num_statistics, self.num_components)
        ends = np.cumsum(self.sizes)[:-1]
        parts = [jnp.split(rows[index], ends) for rows in (x, y)]
        pairs = list(zip(*parts, strict=True))
        # All rows are scored below, so the run itself reports only a few. Otherwise its
        # report would be compiled again for every number of rows.
        train, validation, test = pairs
        few = test[0][:FEW_ROWS], test[1][:FEW_ROWS]
        result = self._training(critic)(
            jax.random.fold_in(key, index),
            train,
            validation,
            few,
            weight_decay=weight_decay,
        )
        scores = []
        for rows_x, rows_y in pairs:
            blocks = equal_blocks(min(len(rows_x), self.sizes[2]), self.max_block)
            scores.append(score_blocks(critic, result.params, rows_x, rows_y, blocks))
        return result, scores

    def _training(self, critic: Critic) -> InformationRun:
        config, train = self.config, self.config.train
        bound = information_bound(config.bound)
        # Validation uses the objective of training if it has a plain value.
        select = bound.select or getattr(bound.objective, "value", None)
        return make_run(
            critic,
            bound=dataclasses.replace(bound, select=select),
            optimizer=functools.partial(optax.adamw, config.learning_rate),
            num_steps=train.num_steps,
            batch_size=train.batch_size,
            num_negatives=config.num_negatives,
            eval_every=train.eval_every,
            patience=train.patience,
            keep_initial=True,
            ema_decay=config.ema_decay,
            report_progress=train.shows_progress,
        )


def train_critics(
    key: Key[Array, ""],
    inputs: Sequence[Sequence[CriticInputs]],
    sizes: tuple[int, ...],
    config: CrossFittedConfig,
    num_components: int = 0,
    max_block: int = LARGEST_BLOCK,
) -> TrainedCritics:
    """Trains the critics of all folds in one compiled call.

    `inputs` has a pair for each fold, for x and y, whose rows are ordered: training,
    validation, test. `sizes` are the numbers of these rows, and blocks of scored rows
    have at most `max_block` rows.
    """
    kinds, num_folds = config.kinds, config.num_folds
    dtype = jax.dtypes.canonicalize_dtype(float)

    def inputs_of_runs(side: int) -> np.ndarray:
        rows = [inputs_of_kind(fold[side], kind) for kind in kinds for fold in inputs]
        # On the device, this conversion would compile a program for each shape.
        return np.stack(rows).astype(dtype)

    decays = np.repeat([kind.weight_decay for kind in kinds], num_folds)
    # Critics are ordered by fold, so that every device gets both kinds: one of them
    # stops sooner than the other.
    order = np.arange(len(decays)).reshape(len(kinds), num_folds).T.ravel()
    num_statistics = inputs[0][0].statistics.shape[1]
    run = CriticRun(config, sizes, num_statistics, num_components, max_block)
    x, y = inputs_of_runs(0), inputs_of_runs(1)
    _limit_caches(hash((run, x.shape, y.shape)))
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


def _limit_caches(shape: int) -> None:
    """Clears all of JAX's caches in this process after too many shapes."""
    if shape not in _shapes and len(_shapes) == MAX_SHAPES:
        jax.clear_caches()
        _shapes.clear()
    _shapes.add(shape)


def _layout(layout: Layout) -> Layout:
    # On a CPU, critics run one after the other, so that none waits for the slowest.
    if layout != "auto" or jax.default_backend() != "cpu":
        return layout
    return "mesh_map" if jax.device_count() > 1 else "map"
