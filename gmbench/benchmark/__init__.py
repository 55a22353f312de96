"""A benchmark: labels, sets and counts, and what can be said of them without an image."""
