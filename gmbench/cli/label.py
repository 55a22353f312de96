"""`gmbench label`: the architecture labels of a network, measured."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import Annotated

import typer

from gmbench.cli import output
from gmbench.cli.options import JsonOption


def label(
    place: Annotated[
        str,
        typer.Argument(
            metavar="MODULE:OBJECT",
            help="A torch.nn.Module, or a class or function that returns one without arguments, "
            "in an importable module or in path/to/file.py.",
        ),
    ],
    input_shape: Annotated[
        list[str],
        typer.Option(
            "--input-shape",
            metavar="N,N,...",
            help="Shape of an input, batch first, such as 1,100; once for each input.",
        ),
    ],
    dtype: Annotated[
        list[str] | None,
        typer.Option(
            "--dtype",
            metavar="NAME",
            help="Dtype of the inputs: one for all, or one for each; by default the weights'.",
        ),
    ] = None,
    evidence: Annotated[
        bool, typer.Option("--evidence", help="List every module and call that was counted.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure the 15 architecture labels of a network by one forward pass.

    Runs the code that it is pointed to. docs/labels.md says what is counted as what. Exit code 1
    where something could not be seen, so that labels may be wrong.

    Example: `gmbench label mygan/networks.py:Generator --input-shape 1,100`
    """
    from gmbench.measuring.loading import example_inputs, float_dtype, importable, load_network
    from gmbench.measuring.measure import measure

    # Output printed by the network's code is not part of the result.
    with importable(place), redirect_stdout(sys.stderr):
        network = load_network(place)
        inputs = example_inputs(input_shape, dtype or [float_dtype(network)])
        measured = measure(network, inputs)
    if as_json:
        output.show_json(measured.to_dict())
    else:
        output.show(
            output.table(
                ["parameter", "value", "counted from"],
                measured.rows(full=evidence),
                title=place,
                left=(0, 2),
            )
        )
        for warning in measured.warnings:
            output.note(f"warning: {warning}")
    if measured.warnings:
        raise typer.Exit(1)
