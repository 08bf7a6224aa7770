"""Coverage of the 95 % intervals of the default estimator."""
