"""Generative models that this project trains itself, as a separate benchmark."""
