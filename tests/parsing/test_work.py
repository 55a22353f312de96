from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gmbench.parsing.work import Part, WorkError, begin, names_of_part

FACTS = {"parser": "mine", "parser_sha256": "a" * 64, "sources": ["images"]}
NAMES = ["0.png", "1.png", "2.png", "a.tar", "b.tar", "grüße.png", "\udcff.png"]


def test_parts_follow_the_list(tmp_path: Path) -> None:
    work = begin(tmp_path / "out", NAMES, 2, FACTS)
    found = [names_of_part(work.folder, part) for part in work.parts]
    assert found == [NAMES[:2], NAMES[2:3], NAMES[3:4], NAMES[4:5], NAMES[5:]]
    assert work.n_images is None
    assert [part.number for part in work.parts] == [0, 1, 2, 3, 4]
    assert begin(tmp_path / "out", iter(NAMES), 2, FACTS).parts == work.parts
    assert sorted(path.name for path in (tmp_path / "out" / "run").iterdir()) == [
        "images.txt", "run.json",
    ]  # fmt: skip


def test_machines_share_the_parts(tmp_path: Path) -> None:
    work = begin(tmp_path / "out", [f"{n}.png" for n in range(100)], 7, FACTS)
    assert work.n_images == 100
    shares = [work.of_shard((number, 4)) for number in range(4)]
    assert sorted(part.number for share in shares for part in share) == list(range(15))
    assert {len(share) for share in shares} == {3, 4}


@pytest.mark.parametrize(
    ("names", "part_images", "facts", "message"),
    [
        (NAMES[1:], 2, FACTS, r"out holds parses of other images \(images\)"),
        (NAMES, 3, FACTS, r"out holds parts of another size \(--part-images 2\)"),
        (NAMES, 2, {**FACTS, "parser_sha256": "b" * 64}, r"by another parser \(mine\)"),
    ],
)
def test_another_run_is_refused(
    names: list[str], part_images: int, facts: dict[str, object], message: str, tmp_path: Path
) -> None:
    begin(tmp_path / "out", NAMES, 2, FACTS)
    with pytest.raises(WorkError, match=message):
        begin(tmp_path / "out", names, part_images, facts)
    assert begin(tmp_path / "out", NAMES, 2, FACTS).parts


def test_what_cannot_begin_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(WorkError, match="There is no image to parse"):
        begin(tmp_path / "out", [], 2, FACTS)
    assert not (tmp_path / "out").exists()


def test_what_a_killed_call_leaves_is_hidden(tmp_path: Path) -> None:
    left: list[str] = []

    def names() -> Iterator[str]:
        left.extend(path.name for path in (tmp_path / "run").iterdir())
        yield "0.png"

    begin(tmp_path, names(), 2, FACTS)
    assert len(left) == 1
    assert left[0].startswith(".")


def test_parts_of_an_unknown_run_are_left_alone(tmp_path: Path) -> None:
    foreign = tmp_path / "parts" / "part-00000.parquet"
    foreign.parent.mkdir()
    foreign.write_text("mine")
    with pytest.raises(WorkError, match="holds parts of no known run"):
        begin(tmp_path, NAMES, 2, FACTS)
    assert foreign.read_text() == "mine"


def test_a_damaged_list_is_noticed(tmp_path: Path) -> None:
    work = begin(tmp_path, NAMES, 2, FACTS)
    (tmp_path / "run" / "images.txt").write_text("0.png\n")
    with pytest.raises(WorkError, match="is not the list that was written"):
        names_of_part(work.folder, Part(0, 0, 2))
    (tmp_path / "run" / "run.json").write_text("{}")
    with pytest.raises(WorkError, match="is damaged"):
        begin(tmp_path, NAMES, 2, FACTS)
