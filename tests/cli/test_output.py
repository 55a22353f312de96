"""Output to what cannot show every character."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from gmbench.cli import main
from gmbench.predictions.writing import write_predictions
from tests.evaluation.populations import random_predictions, small_benchmark


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
@pytest.mark.parametrize("as_json", [False, True])
def test_what_cannot_be_shown_becomes_an_escape(
    encoding: str, as_json: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # A file name of any bytes, as a disk may have it.
    file = "\u0394\U0001f600-\udcff.csv"
    write_predictions(random_predictions(small_benchmark(48, "mini116"), 0), Path("p.csv"))
    Path("p.csv").rename(file)
    streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
    monkeypatch.setattr(sys, "stdout", streams[0])
    monkeypatch.setattr(sys, "stderr", streams[1])
    options = ["--json"] if as_json else ["--out", "\u00fc"]
    monkeypatch.setattr(sys, "argv", ["gmbench", "evaluate", file, "--replicates", "0", *options])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
    for stream in streams:
        stream.flush()
    written = streams[0].buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]
    if as_json:
        assert json.loads(written)["manifest"]["predictions"] == file
    else:
        assert ("\u00b1" in written) == (encoding != "ascii")
        assert ("\\u2193" in written) == (encoding != "utf-8")
        assert "\\udcff" in written
