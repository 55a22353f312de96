"""Results for many images as a table: one row each, with the columns of a prediction file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from gmbench.predictions.probabilities import probability_column
from gmbench.schema import CONTINUOUS, DISCRETE, LOSSES
from gmbench.training.parsed import LabelSpace, ParsedImages

if TYPE_CHECKING:
    import pandas as pd


def rows_of(image_ids: Sequence[str], parsed: ParsedImages, labels: LabelSpace) -> pd.DataFrame:
    """Returns the `image_id` of each image, its 25 parameters, and its class probabilities.

    Args:
        image_ids: The `image_id`s, such as the images' files.
        parsed: What a parser says about each image on its own.
        labels: Names of the values.
    """
    import pandas as pd

    columns: dict[str, object] = {"image_id": list(image_ids)}
    for parameter, column in zip(CONTINUOUS, labels.counts(parsed).T, strict=True):
        columns[parameter.name] = column
    beside: dict[str, object] = {}
    for parameter, odds in zip(DISCRETE, parsed.by_head, strict=False):
        names = np.array(labels.classes[parameter.name])
        columns[parameter.name] = names[odds.argmax(axis=1)]
        for name, share in zip(names, odds.T, strict=True):
            beside[probability_column(parameter.name, str(name))] = share
    for parameter, scores in zip(LOSSES, parsed.loss_scores.T, strict=True):
        columns[parameter.name] = scores
    return pd.DataFrame(columns | beside)
