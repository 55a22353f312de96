"""Parsing images of any source: what made them, how sure that is, and what is like it."""
