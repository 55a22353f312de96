"""Results brought up to a new protocol, or mended: predictions stay, figures are made anew."""

from __future__ import annotations

from pathlib import Path

from gmbench.board.board import PREDICTIONS, RESULTS, Board
from gmbench.board.verification import Verification
from gmbench.files import json_text, write_whole


def update_results(board: Board, verification: Verification) -> list[Path]:
    """Writes the results of submissions whose results are damaged or of another protocol.

    A submission that fails in any other way is left as it is: its makers must look at it.

    Returns:
        The files written.

    Raises:
        WriteError: The system refused.
    """
    written = []
    for one in verification.submissions:
        failed = [check.name for check in one.checklist.failures]
        if failed not in (["protocol"], ["results"]) or one.score is None:
            continue
        result = one.score.result
        result["manifest"]["predictions"] = PREDICTIONS
        path = board.submission(one.name) / RESULTS
        write_whole(path, json_text(result))
        written.append(path)
    return written
