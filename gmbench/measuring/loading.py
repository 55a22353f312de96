"""Finds the network that a user names: `package.module:object` or `path/to/file.py:object`."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gmbench.errors import NetworkError, UnknownNameError

if TYPE_CHECKING:
    from torch import Tensor, nn

DTYPES = ("float32", "float64", "float16", "bfloat16", "int64", "int32", "bool")

_FORM = "Write MODULE:OBJECT, such as mygan.networks:Generator, or path/to/file.py:Generator."


def load_network(place: str) -> nn.Module:
    """Returns the network at a place in somebody's code.

    Importing runs that code. The object may be a network, or a class or function that returns
    one when it is called without arguments.

    Args:
        place: `package.module:object` or `path/to/file.py:object`; the object's name may have
            dots. Modules are also looked for in the current folder.

    Raises:
        UnknownNameError: The module or file has no such object.
        NetworkError: torch is not installed, there is no such module or file, its code fails, or
            the object is no network.
    """
    module_name, _, attribute = place.rpartition(":")
    if not module_name or not attribute:
        raise NetworkError(f"{place!r} names no object. {_FORM}")
    torch = _torch()
    with _found_from(Path(module_name).parent if module_name.endswith(".py") else Path()):
        found = _attribute(_imported(module_name), attribute, module_name)
        if not isinstance(found, torch.nn.Module):
            found = _called(found, place)
    if not isinstance(found, torch.nn.Module):
        raise NetworkError(
            f"{place} gives an object of type {type(found).__name__}: neither a torch.nn.Module "
            "nor a class or function that returns one."
        )
    return found  # type: ignore[no-any-return]


def example_inputs(shapes: Sequence[str], dtypes: Sequence[str]) -> tuple[Tensor, ...]:
    """Returns tensors for a forward pass: noise where they are floats, zeros otherwise.

    Args:
        shapes: One for each tensor, such as `1,100`; an empty one is a scalar.
        dtypes: One for all tensors, or one for each; of `DTYPES`.

    Raises:
        UnknownNameError: A dtype is not known.
        NetworkError: torch is not installed, a shape cannot be read, or the numbers of shapes and
            dtypes do not fit.
    """
    torch = _torch()
    if len(dtypes) not in (1, len(shapes)):
        raise NetworkError(
            f"{len(dtypes)} dtypes for {len(shapes)} inputs: give one for all, or one for each."
        )
    inputs = []
    generator = torch.Generator().manual_seed(0)
    for place, shape in enumerate(shapes):
        dtype = dtypes[place % len(dtypes)]
        if dtype not in DTYPES:
            raise UnknownNameError("Dtype", dtype, DTYPES, f"Take one of {', '.join(DTYPES)}.")
        try:
            sizes = [int(size) for size in shape.split(",")] if shape.strip() else []
        except ValueError:
            sizes = [-1]
        if any(size < 1 for size in sizes):
            raise NetworkError(
                f"Input shape {shape!r} is not a list of positive whole numbers, such as 1,3,64,64."
            )
        kind = getattr(torch, dtype)
        if kind.is_floating_point:
            inputs.append(torch.randn(sizes, generator=generator).to(kind))
        else:
            inputs.append(torch.zeros(sizes, dtype=kind))
    return tuple(inputs)


def _torch() -> Any:
    try:
        return importlib.import_module("torch")
    except ImportError as error:
        raise NetworkError(
            f"Measuring a network needs torch, which cannot be imported ({error}). "
            'Install it with `pip install "gmbench[train]"`.'
        ) from error


@contextmanager
def _found_from(folder: Path) -> Iterator[None]:
    """Lets imports find what lies in a folder, as Python does for the script that it runs."""
    entry = str(folder.resolve())
    sys.path.insert(0, entry)
    try:
        yield
    finally:
        if entry in sys.path:
            sys.path.remove(entry)


def _imported(name: str) -> ModuleType:
    is_file = name.endswith(".py")
    if is_file and not Path(name).is_file():
        raise NetworkError(f"There is no file {name}. {_FORM}")
    try:
        if not is_file:
            return importlib.import_module(name)
        spec = importlib.util.spec_from_file_location(Path(name).stem, name)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        # Known by its name while it runs, as dataclasses and pickles in it expect.
        sys.modules.setdefault(spec.name, module)
        spec.loader.exec_module(module)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(error.name + ".")):
            raise NetworkError(
                f"There is no Python module {error.name!r}. It is looked for in the current "
                f"folder and among the installed packages. {_FORM}"
            ) from error
        raise NetworkError(f"{name} cannot be imported: {_told(error)}.") from error
    except Exception as error:
        raise NetworkError(f"{name} cannot be imported: {_told(error)}.") from error
    return module


def _attribute(module: ModuleType, name: str, place: str) -> Any:
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            known = [n for n, value in vars(found).items() if callable(value)]
            raise UnknownNameError("Object", part, known, f"It is not in {place}.")
        found = getattr(found, part)
    return found


def _called(found: Any, place: str) -> Any:
    """Returns what a class or function returns, or the object itself where it is neither."""
    if not callable(found):
        return found
    try:
        inspect.signature(found).bind()
    except TypeError as error:
        raise NetworkError(
            f"{place} cannot be called without arguments ({error}). Name a function that takes "
            "none and returns the network."
        ) from error
    except ValueError:
        pass  # Something built in, without a signature; calling it tells.
    try:
        return found()
    except Exception as error:
        raise NetworkError(f"{place} fails when it is called: {_told(error)}.") from error


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split()).rstrip('.')}"
