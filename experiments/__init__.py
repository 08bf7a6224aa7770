"""Reproductions of published results, and measurements of the library."""
