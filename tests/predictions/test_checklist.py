"""The dialect of checks that all rooms share."""

from __future__ import annotations

import json

from gmbench.predictions.checks import Checklist, Status


def _made(*, keeps_all: bool) -> Checklist:
    checklist = Checklist("folder", keeps_all=keeps_all)
    checklist.passed("files", "all there")
    checklist.warned("duplicates", "12 images stand there twice", [f"{n}.png" for n in range(12)])
    checklist.skipped("perturbed", "no adversarial attack")
    return checklist


def test_a_warning_and_a_check_not_made_stop_nothing() -> None:
    checklist = _made(keeps_all=False)
    assert checklist.ok
    checklist.failed("images", "one is damaged", "replace it", ["7.png"])
    assert not checklist.ok
    assert [check.name for check in checklist.failures] == ["images"]
    checklist.failed("shards", "none can be read", "build again", fatal=True)
    assert [check.status for check in checklist.failures] == [Status.FAILED, Status.ERROR]


def test_ten_offenders_are_shown_and_all_are_kept_where_that_is_asked() -> None:
    for keeps_all, kept in ((False, 10), (True, 12)):
        check = _made(keeps_all=keeps_all).checks[1]
        assert (len(check.offenders), check.n_offenders) == (kept, 12)
        assert check.lines()[-2:] == [f"{' ' * 27}- 9.png", f"{' ' * 27}- and 2 more"]


def test_plain_data_and_back() -> None:
    checklist = _made(keeps_all=True)
    checklist.failed("images", "one is damaged", "replace it", ["7.png"])
    read = Checklist.from_dict(json.loads(json.dumps(checklist.to_dict())), keeps_all=True)
    assert read == checklist
