"""`gmbench parse`: what the images of one generative model say of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gmbench.cli import output
from gmbench.cli.options import JsonOption


def parse(
    files: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...", help="Images of one generative model.")
    ],
    model: Annotated[
        str | None,
        typer.Option(
            "--model", "-m", metavar="DIR|NAME", help="A trained parser; default the package's own."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Infer the 25 hyperparameters of the model that made some images.

    Of several images the mean of the counts and the majority of the classes is given. The parser
    of the package was trained on mini116 alone: small models at 32 and 64 pixels. It is no oracle.

    Example: `gmbench parse generated/*.png`
    """
    from gmbench.training.parse import parse as parse_images

    parsed = parse_images(files, model)
    if as_json:
        output.show_json(parsed.to_dict())
        return
    rows = []
    for one in parsed.parameters:
        if isinstance(one.value, str):
            sure = f"{one.confidence:.0%}"
            agree = f"{one.agreement:.0%}" if parsed.n_images > 1 else ""
            rows.append([one.name, one.value, sure, agree])
        else:
            spread = "" if one.spread is None else f"\u00b1 {one.spread:,.0f}"
            # A regressor may fall short of 0, a count may not.
            rows.append([one.name, f"{max(one.value, 0.0):,.0f}", spread, ""])
    title = f"{parsed.n_images} image{'s' if parsed.n_images > 1 else ''}"
    headings = ["parameter", "value", "confidence", "images that agree"]
    output.show(output.table(headings, rows, title=title, left=(0, 1)))
    known = parsed.trained_on
    output.note(
        f"Parser: {known.get('baseline')}, trained on {len(known.get('gms', ()))} models "
        f"of {known.get('benchmark')}. Of models unlike these it may be wrong with confidence."
    )
