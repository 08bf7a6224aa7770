"""How fast a run is, against plain loops, and what more seeds cost."""
