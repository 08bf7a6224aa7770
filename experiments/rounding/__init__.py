"""The default estimator on rounded Gaussian pairs."""
