"""The default estimator with one part removed or replaced."""
