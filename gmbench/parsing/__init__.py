"""Parsing images of any source: what made them, how certain that is, and what is like it."""
