"""Finds the network that a user names: `package.module:object` or `path/to/file.py:object`.

A file is found and run as Python would do it: as a script from its own folder or from one above
or, if it uses relative imports, as a module of its package.
"""

from __future__ import annotations

import ast
import importlib
import importlib.machinery
import importlib.util
import inspect
import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gmbench.errors import NetworkError, UnknownNameError, one_line

if TYPE_CHECKING:
    from torch import Tensor, nn

DTYPES = ("float32", "float64", "float16", "bfloat16", "int64", "int32", "bool")

_MOST_NUMBERS = 2**63 - 1

_FORM = "Write MODULE:OBJECT, such as mygan.networks:Generator, or path/to/file.py:Generator."


def load_network(place: str) -> nn.Module:
    """Returns the network at a place in the user's code.

    Importing runs that code. The object may be a network, or a class or function that returns
    one when called without arguments.

    Args:
        place: `package.module:object` or `path/to/file.py:object`; the object's name may have
            dots. Modules are also searched for in the current folder.

    Raises:
        UnknownNameError: The module or file has no such object.
        NetworkError: torch is not installed, there is no such module or file, its code fails, or
            the object is not a network.
    """
    module_name, _, attribute = place.rpartition(":")
    if not module_name or not attribute:
        raise NetworkError(f"{place!r} names no object. {_FORM}")
    torch = _torch()
    with importable(place):
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
    """Returns tensors for a forward pass: noise for floating-point dtypes, zeros otherwise.

    Args:
        shapes: One per tensor, such as `1,100`; an empty one is a scalar.
        dtypes: One for all tensors, or one per tensor; from `DTYPES`.

    Raises:
        UnknownNameError: A dtype is unknown.
        NetworkError: torch is not installed, a shape cannot be read or is too large, or the numbers
            of shapes and dtypes do not match.
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
        if math.prod(sizes) > _MOST_NUMBERS:
            raise NetworkError(
                f"No input of shape {shape} can be made: it has more numbers than torch can count."
            )
        kind = getattr(torch, dtype)
        try:
            if kind.is_floating_point:
                inputs.append(torch.randn(sizes, generator=generator).to(kind))
            else:
                inputs.append(torch.zeros(sizes, dtype=kind))
        except RuntimeError as error:  # Such as a lack of memory.
            told = str(error).partition("\n")[0].rstrip(".")
            raise NetworkError(f"No input of shape {shape} can be made: {told}.") from error
    return tuple(inputs)


def float_dtype(network: nn.Module) -> str:
    """Returns the dtype of a network's first weight, if inputs may have it; else `float32`."""
    found = next((str(p.dtype).removeprefix("torch.") for p in network.parameters()), "")
    return found if "float" in found and found in DTYPES else "float32"


def _torch() -> Any:
    try:
        return importlib.import_module("torch")
    except ImportError as error:
        raise NetworkError(
            f"Measuring a network needs torch, which cannot be imported ({error}). "
            'Install it with `pip install "gmbench[train]"`.'
        ) from error


@contextmanager
def importable(place: str) -> Iterator[None]:
    """Lets the code at a place import its neighbours, and hides gmbench's own arguments from it.

    A module can import what is in the current folder; a file can import what is beside it or in a
    folder above it, up to the current one or to that of its project.
    """
    name = place.rpartition(":")[0]
    folders = _folders_of(Path(name).resolve()) if name.endswith(".py") else [Path.cwd()]
    entries, arguments = [str(folder) for folder in folders], sys.argv
    sys.path[:0] = entries
    sys.argv = [name]
    try:
        yield
    finally:
        sys.argv = arguments
        for entry in entries:
            if entry in sys.path:
                sys.path.remove(entry)


_PROJECT_FILES = (".git", "pyproject.toml", "setup.py", "setup.cfg", "requirements.txt")


def _folders_of(file: Path) -> list[Path]:
    """Returns the folders from which a file may import, nearest first."""
    above, here = file.parents, Path.cwd()
    if here in above:
        return list(above[: above.index(here) + 1])
    project = (
        i for i, a in enumerate(above) if any((a / name).exists() for name in _PROJECT_FILES)
    )
    return list(above[: next(project, 0) + 1])


def _imported(name: str) -> ModuleType:
    is_file = name.endswith(".py")
    if is_file and not Path(name).is_file():
        raise NetworkError(f"There is no file {name}. {_FORM}")
    try:
        return _run_file(Path(name)) if is_file else importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(error.name + ".")):
            raise NetworkError(
                f"There is no Python module {error.name!r}. It is looked for in the current "
                f"folder and among the installed packages. {_FORM}"
            ) from error
        raise NetworkError(f"{name} cannot be imported: {_told(error)}.") from error
    except (Exception, SystemExit) as error:
        raise NetworkError(f"{name} cannot be imported: {_told(error)}.") from error


def _run_file(file: Path) -> ModuleType:
    """Runs a file as a module: of its package if it uses relative imports, else on its own."""
    levels = _relative_levels(file)
    if levels:
        file = file.resolve()
        packages = [folder for folder in file.parents if (folder / "__init__.py").is_file()]
        depth = max(levels, next((i for i, a in enumerate(file.parents) if a not in packages), 0))
        if depth > len(file.parents) - 1:
            raise ImportError(f"it imports from {levels} folders above itself, where there is none")
        name = _known_packages(list(file.parents[:depth]))
        return importlib.import_module(f"{name}.{file.stem}")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Registered by its name while it runs, as dataclasses and pickles in it expect.
    sys.modules.setdefault(spec.name, module)
    spec.loader.exec_module(module)
    return module


def _relative_levels(file: Path) -> int:
    """Returns how many folders up a file's relative imports reach; 0 if it has none."""
    tree = ast.parse(file.read_bytes(), str(file))
    return max((n.level for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)), default=0)


def _known_packages(folders: Sequence[Path]) -> str:
    """Makes packages of folders, innermost first, and returns the dotted name of the innermost.

    This is done by hand rather than through the import path: a folder without `__init__.py` would
    not be found if an installed package has its name.
    """
    name = ""
    for folder in reversed(folders):
        name = f"{name}.{folder.name}" if name else folder.name
        known = sys.modules.get(name)
        if known is None:
            start = folder / "__init__.py"
            if start.is_file():
                spec = importlib.util.spec_from_file_location(
                    name, start, submodule_search_locations=[str(folder)]
                )
            else:
                spec = importlib.machinery.ModuleSpec(name, None, is_package=True)
                spec.submodule_search_locations = [str(folder)]
            assert spec is not None
            package = sys.modules[name] = importlib.util.module_from_spec(spec)
            try:
                if spec.loader:
                    spec.loader.exec_module(package)
            except BaseException:
                del sys.modules[name]
                raise
        elif str(folder) not in map(str, getattr(known, "__path__", ())):
            raise ImportError(f"its package would be {name}, and another {name} is in use")
    return name


def _attribute(module: ModuleType, name: str, place: str) -> Any:
    found: Any = module
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            held = getattr(found, "__dict__", {})
            known = [n for n, value in held.items() if callable(value)]
            raise UnknownNameError("Object", part, known, f"It is not in {place}.") from error
        except (Exception, SystemExit) as error:
            raise NetworkError(f"{place}:{name} cannot be imported: {_told(error)}.") from error
    return found


def _called(found: Any, place: str) -> Any:
    """Returns what a class or function returns, or the object itself if it is neither."""
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
        pass  # A built-in without a signature; calling it will tell.
    try:
        return found()
    except (Exception, SystemExit) as error:
        raise NetworkError(f"{place} fails when it is called: {_told(error)}.") from error


def _told(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"it ends the program by sys.exit({error.code if error.code is not None else ''})"
    return f"{type(error).__name__}: {one_line(error).rstrip('.')}"
