"""The state of a GAN's training, and the metrics of one update."""

from typing import NamedTuple

from jaxinfo.adversarial.solvers import Players, SolverState
from jaxinfo.core.types import Array, Bool, Float, Int, PyTree

__all__ = ["GanInfo", "GanState"]


class GanState(NamedTuple):
    """The state of a game.

    Attributes:
        step: number of generator updates, [].
        players: parameters of both networks.
        solver: the state of the solver and of the optimizers.
        average: moving average of the generator's parameters, or None.
        stopped_at: number of the update that was not finite, at which this game
            stopped, or -1, [].
        losses: losses of both players at the last update, [2].
        unchanged: updates in a row that left both losses unchanged, [].
    """

    step: Int[Array, ""]
    players: Players
    solver: SolverState
    average: PyTree
    stopped_at: Int[Array, ""]
    losses: Float[Array, "2"]
    unchanged: Int[Array, ""]


class GanInfo(NamedTuple):
    """Metrics of one update, on the samples that it was computed from.

    With several discriminator updates in a step, they describe the last one. For
    extragradient they describe the extrapolated parameters.

    Attributes:
        discriminator_loss: the discriminator's loss, penalties included.
        generator_loss: the generator's loss.
        bound: the objective's bound of its divergence. The discriminator was trained on
            samples like these; for a valid bound, evaluate `objective.bound` on new
            samples.
        discriminator_gradient_norm: norm of the gradient in all its parameters.
        generator_gradient_norm: norm of the gradient in all its parameters.
        sample_gradient_norm: mean norm of the gradient of the generator's loss in a
            sample, times the root mean squared distance of the data from their mean.
        has_vanishing_gradient: whether `sample_gradient_norm` is below 0.001, because
            the loss is flat in the scores or the scores are flat in the samples.
        has_constant_losses: whether both losses have stayed constant for 100 updates.
        is_stopped: whether this game has stopped at an update that was not finite.
    """

    discriminator_loss: Float[Array, ""]
    generator_loss: Float[Array, ""]
    bound: Float[Array, ""]
    discriminator_gradient_norm: Float[Array, ""]
    generator_gradient_norm: Float[Array, ""]
    sample_gradient_norm: Float[Array, ""]
    has_vanishing_gradient: Bool[Array, ""]
    has_constant_losses: Bool[Array, ""]
    is_stopped: Bool[Array, ""]
