"""Updates or repairs results: predictions stay, figures are recomputed."""

from __future__ import annotations

import json
from pathlib import Path

from gmbench.board.board import PREDICTIONS, RESULTS, Board
from gmbench.board.verification import Verification, lacks_later
from gmbench.files import json_text, write_whole


def update_results(board: Board, verification: Verification) -> list[Path]:
    """Rewrites results that are damaged, of another protocol, or lack parts introduced later.

    A submission that fails in any other way is left as it is: its authors must look at it.

    Returns:
        The files written.

    Raises:
        WriteError: A file cannot be written.
    """
    written = []
    for one in verification.submissions:
        failed = [check.name for check in one.checklist.failures]
        if failed not in ([], ["protocol"], ["results"]) or one.score is None:
            continue
        result = one.score.result
        result["manifest"]["predictions"] = PREDICTIONS
        path = board.submission(one.name) / RESULTS
        if not failed and not lacks_later(json.loads(path.read_bytes())):
            continue
        write_whole(path, json_text(result))
        written.append(path)
    return written
