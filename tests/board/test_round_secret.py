"""Where the seeds of a round come from."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from gmbench.board.board import BoardError
from gmbench.board.round_secret import read_secret, seeds_of
from tests.board.live_rounds import SECRET


def test_seeds_have_so_many_bits_that_nobody_tries_them() -> None:
    seeds = [seeds_of(SECRET.encode(), f"round-{number}") for number in range(8)]
    found = [one for pair in seeds for one in (pair.population, pair.contents)]
    assert len(set(found)) == 16
    assert all(2**128 < one < 2**256 for one in found)


def test_contents_have_a_secret_of_their_own() -> None:
    pytest.importorskip("torch")
    from gmbench.zoo.plan import plan_zoo

    def contents(content_seed: int | None, seed: int = 2**255) -> list[str]:
        plan = plan_zoo(24, 4, seed=seed, content_seed=content_seed, contents=("digits", "faces"))
        return [gm.content for gm in plan.population]

    drawn = {tuple(contents(2**200 + number)) for number in range(6)}
    assert len(drawn) > 1
    assert contents(2**200) == contents(2**200)
    assert contents(None) == contents(None)


def test_secrets(tmp_path: Path) -> None:
    path = tmp_path / "a" / "secret"
    secret = read_secret(path, make=True)
    assert len(secret) == 64
    assert read_secret(path, make=True) == secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text("short")
    with pytest.raises(BoardError, match="5 bytes"):
        read_secret(path, make=True)
    with pytest.raises(BoardError, match="cannot be read"):
        read_secret(tmp_path / "none")
    with pytest.raises(BoardError, match=r"cannot be made or read .*another --seed-file"):
        read_secret(path / "below-a-file", make=True)
    with pytest.raises(BoardError, match="cannot be made or read"):
        read_secret(tmp_path, make=True)


def test_half_a_secret_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gmbench.board.round_secret.secrets.token_hex", full)
    with pytest.raises(BoardError, match="No space left"):
        read_secret(tmp_path / "secret", make=True)
    assert not (tmp_path / "secret").exists()
