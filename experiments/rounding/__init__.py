"""The default estimator and its independence test on independent variables."""
