"""Generative models that this project trains itself, and the measuring of their labels.

`measure` is a function here and also the name of the module that holds it; `gmbench.zoo.measure`
is the function. Importing this package does not import torch.
"""

from __future__ import annotations

from gmbench.zoo.measure import Measurement, measure

__all__ = ["Measurement", "measure"]
