"""Speed: training runs against plain loops, and the cost of more seeds."""
