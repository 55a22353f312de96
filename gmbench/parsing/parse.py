"""Parsing images with a parser, in one call."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gmbench.parsing.known_gms import KnownGMs
from gmbench.parsing.load import load_parser
from gmbench.training.image_inputs import Images
from gmbench.training.parsed_gm import ParsedGM

if TYPE_CHECKING:
    from gmbench.training.checkpoint import ModelParserCheckpoint


def parse(
    images: Images, parser: str | Path | KnownGMs | ModelParserCheckpoint | None = None
) -> ParsedGM:
    """Infers the hyperparameters of the generative model that made some images.

    The package's own parser knows published GMs and replicas of them; docs/parser.md says how
    often it is right about others.

    Args:
        images: One image or several, all of one GM: paths, Pillow images, or uint8 arrays of
            shape (height, width, 3); of any mode and size.
        parser: A parser returned by `load_parser`, or the folder of a parser or its name on the
            Hub; the package's own if None.

    Returns:
        The 25 parameters, how certain each is, the known GMs most like it, and whether it is like
        any of them at all. A notebook shows this as a table; `to_pandas()` returns it as one.

    Raises:
        SourceError: There is no image, or one cannot be read.
        CheckpointError: The parser cannot be read.

    Examples:
        >>> import numpy as np
        >>> parsed = parse(np.zeros((32, 32, 3), np.uint8))
        >>> parsed.n_images, len(parsed.parameters)
        (1, 25)
        >>> parsed.to_pandas().loc["normalization", "type"]
        'discrete'
    """
    loaded = load_parser(parser) if parser is None or isinstance(parser, str | Path) else parser
    return loaded.parse(images)
