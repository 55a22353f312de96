from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gmbench.data.image_shards import is_shard
from gmbench.data.image_streams import images_of_shard
from gmbench.data.remote import UnreachedError
from tests.data.fake_images import image_bytes
from tests.data.image_host import ImageHost

PNG = image_bytes(0)[1]


def tar_of(files: Mapping[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    """A TAR of files; those whose name begins with `@` are links."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name.removeprefix("@"))
            if name.startswith("@"):
                member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
                archive.addfile(member)
                continue
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


@pytest.mark.parametrize("ending", [".tar", ".tar.gz"])
def test_images_of_a_tar_are_named_by_it(ending: str, tmp_path: Path) -> None:
    hidden = {"._0.png": b"", "b/._1.PNG": b"", "__MACOSX/0.png": PNG}
    shown = {"0.png": PNG, "0.json": b"{}", "b/1.PNG": b"junk", "@2.png": b""}
    data = tar_of({**hidden, **shown})
    path = tmp_path / f"a{ending}"
    path.write_bytes(gzip.compress(data) if ending.endswith("gz") else data)
    found = list(images_of_shard(str(path)))
    assert [one.name for one in found] == [f"{path}/0.png", f"{path}/b/1.PNG"]
    assert [one.data for one in found] == [PNG, b"junk"]
    assert not any(one.fault for one in found)


def test_names_of_members_are_names_alone(tmp_path: Path) -> None:
    hostile = {
        "../../out.png": PNG,
        "/etc/in.png": PNG,
        "a\x1b[2J\n.png": PNG,
        "x" * 300 + ".png": PNG,
    }
    path = tmp_path / "a.tar"
    path.write_bytes(tar_of(hostile))
    found = list(images_of_shard(str(path)))
    assert [one.name for one in found[:3]] == [
        f"{path}/../../out.png", f"{path}//etc/in.png", f"{path}/a\\x1b[2J\\n.png",
    ]  # fmt: skip
    assert all(one.data == PNG for one in found)
    assert [one.name for one in tmp_path.parent.glob("*.png")] == []


def damaged_tars() -> Iterator[tuple[str, bytes, int, str]]:
    whole = tar_of({f"{n}.png": PNG for n in range(3)}, tarfile.USTAR_FORMAT)
    block = 512 + -(-len(PNG) // 512) * 512
    yield "cut in a member", whole[: block + 600], 1, "cut short or damaged after 1 image "
    yield "cut in a header", whole[: block + 100], 1, "a header is damaged"
    flipped = bytearray(whole)
    flipped[2 * block + 3] ^= 0xFF
    yield "a damaged header", bytes(flipped), 2, "a header is damaged"
    yield "no tar", b"\xff" * 4096, 0, "a header is damaged"
    yield "nothing", b"", 0, "cut short or damaged after 0 images"
    member = tarfile.TarInfo("x")
    member.type, member.size = tarfile.XHDTYPE, 2**33
    yield "a giant header", member.tobuf(tarfile.GNU_FORMAT), 0, "larger than any"


@pytest.mark.parametrize(
    ("data", "n_images", "reason"),
    [case[1:] for case in damaged_tars()],
    ids=[case[0] for case in damaged_tars()],
)
def test_a_damaged_tar_ends_with_the_reason(
    data: bytes, n_images: int, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(data)
    *images, last = images_of_shard(str(path))
    assert [one.data for one in images] == [PNG] * n_images
    assert last.name == str(path)
    assert reason in last.fault


def test_a_bomb_ends_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "a.tgz"
    path.write_bytes(gzip.compress(tar_of({"0.png": bytes(2**26 + 2**20)}), 1))
    (only,) = images_of_shard(str(path))
    assert "unpacks to more than 200 times its size" in only.fault


def test_a_tar_of_the_web(tmp_path: Path) -> None:
    with ImageHost() as host:
        host.files["/a.tar"] = tar_of({"0.png": PNG, "1.png": PNG})
        url = f"{host.url}/a.tar"
        assert [one.name for one in images_of_shard(url)] == [f"{url}/0.png", f"{url}/1.png"]
        host.cut("GET /a.tar", after=700)
        with pytest.raises(UnreachedError, match="broke off"):
            list(images_of_shard(url))
        (missing,) = images_of_shard(f"{host.url}/b.tar")
        assert "404" in missing.fault


def test_images_of_parquet(tmp_path: Path) -> None:
    images = [{"bytes": PNG, "path": "0.png"}, {"bytes": None, "path": "1.png"}]
    named = tmp_path / "a.parquet"
    pq.write_table(pa.table({"image_id": ["GM/0", "GM/1"], "image": images}), named)
    found = list(images_of_shard(str(named)))
    assert [(one.name, one.data, one.fault) for one in found] == [
        ("GM/0", PNG, ""), ("GM/1", b"", "there is no image"),
    ]  # fmt: skip
    plain = tmp_path / "b.parquet"
    pq.write_table(pa.table({"jpg": [PNG, PNG]}), plain)
    assert [one.name for one in images_of_shard(str(plain))] == [f"{plain}/0", f"{plain}/1"]


@pytest.mark.parametrize("kind", [pa.large_string(), pa.string_view()])
def test_names_in_parquet_of_any_type_of_text(kind: pa.DataType, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    names = pa.array(["GM/0", "GM/1"], kind)
    pq.write_table(pa.table({"image_id": names, "image": [PNG, PNG]}), path)
    assert [one.name for one in images_of_shard(str(path))] == ["GM/0", "GM/1"]


def test_names_in_parquet_that_are_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    names = pa.array([b"GM/\xff"]).view(pa.string())
    pq.write_table(pa.table({"image_id": names, "image": [PNG]}), path)
    (only,) = images_of_shard(str(path))
    assert "damaged after 0 images" in only.fault


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (None, "damaged after 0 images"),
        (pa.table({"text": ["a"]}), "has no column of images"),
        (pa.table({"image": [1]}), "its column image holds int64"),
    ],
)
def test_parquet_without_images(table: pa.Table | None, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 junk") if table is None else pq.write_table(table, path)
    (only,) = images_of_shard(str(path))
    assert reason in only.fault


def test_what_holds_many_images() -> None:
    assert is_shard("https://host/a-001.tar?token=x")
    assert is_shard("a.TAR.GZ")
    assert is_shard("hf://datasets/org/name@main/data/0.parquet")
    assert not is_shard("https://host/a.png?as=.tar")
    assert not is_shard("a.tar.png")
