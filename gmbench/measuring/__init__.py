"""Measures labels of a network, each with its evidence. Importing this does not import torch."""
