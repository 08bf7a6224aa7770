"""The default estimator of mutual information, `CrossFitted`.

`estimator` checks the rows and returns the `Estimate`. It calls `cross_fit`, which runs
these stages for one pair of variables; each stage is a module:

1. `folds` splits the rows, so that each row is held out exactly once.
2. `marginals` maps each variable to normal scores and one-hot labels.
3. `variates` finds linear combinations of x and y that correlate pair by pair.
4. `base_densities`, `mixtures` and `selection` fit closed-form log density ratios for
   each fold, and all folds select one kind together.
5. `fold_maps` converts rows to its sufficient statistics and to features of critics.
6. `critics` trains the networks of all folds in one compiled sweep.
7. `combination` weights the critics of each fold on validation rows and clips scores.
8. `correction` computes the bounds of all folds and corrects their mean for bias.

`density_ratio` evaluates the result on new rows, and `config` holds all settings. The
p-value comes from `jaxinfo.estimation.significance`.
"""

from jaxinfo.estimation.cross_fitted.config import CriticKind, CrossFittedConfig
from jaxinfo.estimation.cross_fitted.density_ratio import CrossFittedDensityRatio
from jaxinfo.estimation.cross_fitted.estimator import CrossFitted, estimate_difference

__all__ = [
    "CriticKind",
    "CrossFitted",
    "CrossFittedConfig",
    "CrossFittedDensityRatio",
    "estimate_difference",
]
