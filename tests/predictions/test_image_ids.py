"""An `image_id` that is a path, or in another letter case, is told its right form."""

from __future__ import annotations

import pytest

from gmbench.predictions.image_ids import gms_meant, image_id_meant
from gmbench.predictions.predictions import validate_predictions
from tests.evaluation.populations import random_predictions, small_benchmark

BENCHMARK = small_benchmark(3)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("AAE/000002.png", "AAE/000002"),
        ("aae/2", "AAE/000002"),
        ("AAE\\000002", "AAE/000002"),
        ("C:\\data\\Aae\\000002.JPEG", "AAE/000002"),
        ("/data/red116/AAE/000002.png", "AAE/000002"),
        (" AAE/000002 ", "AAE/000002"),
        ("AAE/000002", "AAE/000002"),
        ("AAE/000003", ""),
        ("AAE/-1", ""),
        ("AAE/x000001", ""),
        ("AAE/²", ""),
        ("AAE", ""),
        ("000002.png", ""),
        ("OTHER/000002", ""),
        ("", ""),
    ],
)
def test_the_form_that_is_meant(given: str, meant: str) -> None:
    assert image_id_meant(given, BENCHMARK) == meant


def test_images_are_counted_by_the_gm_that_is_meant() -> None:
    ids = ["aae/1", "AAE/000002", "x\\y\\AAE\\3.png", "mine/1", "1"]
    assert gms_meant(ids, ["AAE", "ACGAN"]) == {"AAE": 3, "mine": 1, "": 1}


def test_the_benchmark_is_told_from_paths_too() -> None:
    frame = random_predictions(BENCHMARK, 0).to_pandas()
    paths = frame.assign(image_id="data\\" + frame.image_id.str.replace("/", "\\") + ".png")
    checks = {one.name: one for one in validate_predictions(paths).checklist}
    assert checks["benchmark"].message.startswith("red116, version ")
    assert checks["image_ids_known"].n_offenders == len(frame)
    assert checks["image_ids_known"].offenders[0] == (
        r"row 1: 'data\\ADV_FACES\\000000.png': write it ADV_FACES/000000"
    )
