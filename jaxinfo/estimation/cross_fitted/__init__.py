"""The default estimator of mutual information, `CrossFitted`.

The stages, each a module, in the order in which data flow:

1. `folds`: rows are split into folds; every row is held out exactly once.
2. `marginals`: each variable alone gives normal scores and one-hot labels.
3. `variates`: linear maps pair up correlated coordinates, also of expanded ones.
4. `base_densities`, `selection`: each fold fits a closed-form log density ratio.
5. `fold_maps`: rows become sufficient statistics of it, and features of critics.
6. `critics`: networks correct the base density, trained in one compiled sweep.
7. `combination`: validation rows weight the critics of a fold and clip their scores.
8. `correction`: held-out and training bounds give the value, corrected for bias.

`cross_fit` runs them for one pair of variables, `estimator` makes the `Estimate` and
`density_ratio` a function of new rows. Every number is a field of `CrossFittedConfig`.
The p-value comes from `jaxinfo.estimation.significance`.
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
