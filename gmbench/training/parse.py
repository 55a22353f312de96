"""Parsing images with a trained parser, in one call."""

from __future__ import annotations

from pathlib import Path

from gmbench.training.checkpoint import ModelParserCheckpoint, load_parser
from gmbench.training.image_inputs import Images
from gmbench.training.parsed_gm import ParsedGM


def parse(images: Images, parser: str | Path | ModelParserCheckpoint | None = None) -> ParsedGM:
    """Infers the hyperparameters of the generative model that made some images.

    The package's own parser is small and was trained on mini116 alone: it is no oracle.

    Args:
        images: One image or several, all of one GM: paths, images of Pillow, or uint8 arrays of
            shape (height, width, 3); of any mode and size.
        parser: What `load_parser` gave, or the folder of a parser or its name on the Hub; the
            package's own when None.

    Returns:
        The 25 parameters: means of counts, the majority of classes; `to_pandas()` has them as a
        table.

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
    loaded = parser if isinstance(parser, ModelParserCheckpoint) else load_parser(parser)
    return loaded.parse(images)
