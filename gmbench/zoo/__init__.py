"""Generative models that this project trains itself, as a benchmark of their own."""
