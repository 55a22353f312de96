"""A benchmark: labels, sets and counts, and what can be said about them without an image."""
