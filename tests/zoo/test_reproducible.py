"""Same specification, same bytes: in this process and in another one."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytest.importorskip("torch")

import torch

from gmbench.schema import KINDS
from tests.zoo.kind_contract import fingerprint, module_of

PROGRAM = """
import json
from tests.zoo.test_reproducible import fingerprints
print(json.dumps(fingerprints()))
"""


FAMILIES = {"GAN": ("residual",), "VAE": ("deep",)}
"""Families that stand for their kind; of the other kinds, all of them."""


def fingerprints() -> dict[str, str]:
    """A hash of the images of GMs of all kinds."""
    return {
        f"{kind} {family}": fingerprint(kind, family)
        for kind in KINDS
        for family in FAMILIES.get(kind, module_of(kind).FAMILIES)
    }


def test_same_bytes_in_another_process() -> None:
    torch.manual_seed(999)  # whatever happened before must not matter
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE) as process:
        here = fingerprints()
        out, _ = process.communicate()
    assert json.loads(out) == here
