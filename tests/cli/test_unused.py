"""An option that would change nothing beside the others is refused, not passed over in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import gmbench

UNUSED = {
    "attack p.csv --images 5 -c a=1": "--images, --change: of no effect with a prediction file",
    "attack --checkpoint m --sets cv10": "--sets: of no effect with --checkpoint",
    "attack --train full --sets cv10": "--sets: of no effect with --train",
    "attribute --data-dir d --gm A": "--gm: of no effect with --data-dir",
    "attribute --real genuine": "--real: of no effect without --data-dir",
    "attribute --gm A --gm B --content photos": "--content: of no effect with --gm",
    "detect --data-dir d --data red116": "--benchmark/--data: of no effect with --data-dir",
    "detect --test-dir d": "--test-dir: of no effect without --data-dir",
    "detect --variant fingerprint --parser m": "--parser: of no effect without --variant",
    "detect --data-dir d --parser a --parser b": "there is one test, which takes one --parser",
    "figure 6 p.csv --parameter layers": "--parameter: of no effect on figure 6",
    "figure 3 --gm A": "--gm: of no effect on figure 3",
    "figure 3 --sets cv10": "--sets: of no effect on figure 3",
    "figure 12 a.json --data mini116": "--benchmark/--data: of no effect on figure 12",
    "predict m a.png --out d --set set_2": "--set: of no effect on images of your own",
    "template --labels --set set_9": "--set: of no effect with --labels",
    "train known_gms --preset paper --device cuda": "--preset, --device: of no effect on known_gms",
    "data build --gms mini116 -b red116 --out d": "Give --benchmark or --gms, not both",
}


@pytest.mark.parametrize("command", UNUSED)
def test_what_would_change_nothing_is_refused(command: str, tmp_path: Path) -> None:
    done = gmbench(*command.split(), cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert UNUSED[command] in done.stderr
    assert not list(tmp_path.iterdir())
