from __future__ import annotations

import importlib.util

import pytest


@pytest.fixture(autouse=True, scope="package")
def one_thread() -> None:
    """One thread is enough for small networks."""
    if importlib.util.find_spec("torch"):
        import torch

        torch.set_num_threads(1)
