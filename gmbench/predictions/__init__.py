"""Prediction files: from their bytes to numbers that passed every check."""
