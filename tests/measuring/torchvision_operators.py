"""torchvision's networks where its own operators cannot be loaded.

They are compiled for one build of torch, and with another (a CPU build beside a package for CUDA)
the import fails at the first that is missing, although networks call none of them.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys

import pytest
from torch import library

_MISSING = ("nms", "qnms")
"""Operators that torchvision registers shapes for when it is imported."""

_defined: list[library.Library] = []


def import_torchvision() -> None:
    """Imports torchvision; where its operators are not there, with their names alone.

    Skips the test, or the module, where it is not installed.
    """
    if importlib.util.find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed", allow_module_level=True)
    try:
        importlib.import_module("torchvision")
    except RuntimeError:
        for name in [one for one in sys.modules if one.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        operators = library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
        for name in _MISSING:
            schema = f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            operators.define(schema)  # type: ignore[no-untyped-call]
        _defined.append(operators)  # What is defined goes with the library.
        importlib.import_module("torchvision")
