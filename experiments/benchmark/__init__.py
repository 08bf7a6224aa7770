"""Every estimator on tasks with known mutual information."""
