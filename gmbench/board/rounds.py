"""Live rounds: a hidden population with public images, and labels under a salted hash.

No one can have trained on generative models that did not exist before the round. A round is made
from a secret that determines its seeds, the order of its images and the salt:

```
leaderboard/rounds/NAME/
  round.json        what the round is; the hash that commits its maker to labels and order
  images.parquet    image and image_id: NAME/000000, NAME/000001 ... in random order
  template.csv      a prediction file to fill in
  entries/WHO/      by pull request: card.yaml and sealed.json, the hash of a prediction file;
                    after the deadline nonce.txt and predictions.parquet or predictions.csv
  closed.json       at the deadline: the hash of every entry made in time
  revealed.json     after the end: the salt, and which image is which
```

The dataset folder with the labels stays with the maintainer until the round is revealed.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gmbench.benchmark.benchmark import Benchmark, benchmark_files, read_benchmark
from gmbench.board.board import Board, BoardError, is_safe, require_own_name
from gmbench.board.folders import folders_in_place
from gmbench.board.round_secret import Seeds, derived, read_secret, seeds_of
from gmbench.data.features import shard_path
from gmbench.evaluation.result import PROTOCOL
from gmbench.files import json_text, parse_json, write_durably, write_whole
from gmbench.predictions.images import image_index
from gmbench.progress import Progress
from gmbench.schema import NAMES

ROUND, IMAGES, TEMPLATE = "round.json", "images.parquet", "template.csv"
CLOSED, REVEALED = "closed.json", "revealed.json"

Builder = Callable[[Seeds, Path], object]
"""Builds the dataset of a hidden population; takes its seeds and the folder to create."""


@dataclass(frozen=True, slots=True)
class Round:
    """A newly made round.

    Attributes:
        name: Its name, which is also the benchmark's.
        folder: Its folder on the board, to be published.
        data: The dataset with the labels, to be kept secret until the end.
        n_images: Number of images.
        n_gms: Number of hidden GMs behind them.
        n_sets: Number of test sets that they are in.
        intervals: Whether a set has at least two GMs, which intervals need.
        commitment: The salted hash of labels and order.
    """

    name: str
    folder: Path
    data: Path
    n_images: int
    n_gms: int
    n_sets: int
    intervals: bool
    commitment: str

    def to_dict(self) -> dict[str, Any]:
        """Returns the round as plain data."""
        return {**asdict(self), "folder": str(self.folder), "data": str(self.data)}


def round_folder(board: Board, name: str) -> Path:
    """Returns the folder of a round.

    Raises:
        BoardError: The name is not safe as a folder name.
    """
    if not is_safe(name):
        raise BoardError(
            f"{name!r} cannot be the name of a round: take letters, digits, - and _, at most 64, "
            "and no name that Windows reserves."
        )
    return board.folder / "rounds" / name


def commitment(salt: bytes, benchmark: Benchmark, order: list[str]) -> str:
    """Returns the hash that commits a round's maker to labels, sets and the order of images.

    Args:
        salt: Prevents anyone from trying labels until the hash matches.
        benchmark: The hidden benchmark.
        order: The true `image_id` of each image, in the order of the published ones.
    """
    digest = hashlib.sha256(salt)
    for text in (*benchmark_files(benchmark).values(), "\n".join(order)):
        digest.update(hashlib.sha256(text.encode()).digest())
    return digest.hexdigest()


def new_round(
    board: Board, name: str, seed_file: Path, data: Path, build: Builder, *, note: str = ""
) -> Round:
    """Builds a hidden population and publishes its images.

    Args:
        board: The leaderboard.
        name: Name of the round and of its benchmark.
        seed_file: File with the secret; created if it does not exist.
        data: Folder for the dataset with the labels, outside the board.
        build: Builds the dataset from seeds.
        note: A line for readers, such as when the round ends.

    Raises:
        BoardError: The round or a benchmark of that name exists already, the secret cannot be used,
            secret or dataset would lie in the published folder, or the dataset is not that of the
            round or has no test set.
        WriteError: A file cannot be written.
    """
    folder = round_folder(board, name)
    if folder.exists():
        raise BoardError(f"{folder} is there already. Take another name.")
    require_own_name(name)
    if (board.benchmarks / name).exists():
        raise BoardError(f"{board.benchmarks / name} is a benchmark already. Take another name.")
    for path in (data, seed_file):
        if path.resolve().is_relative_to(board.folder.resolve()):
            raise BoardError(
                f"{path} lies in {board.folder}, which is published. Keep it elsewhere."
            )
    secret = read_secret(seed_file, make=True)
    build(seeds_of(secret, name), data)
    benchmark = read_benchmark(data)
    if benchmark.name != name:
        raise BoardError(f"{data} holds the benchmark {benchmark.name}, not {name}.")
    order = drawn_order(benchmark, secret)
    if not order:
        raise BoardError(
            f"{data} has no test set: too few GMs of some kind. Build with more --gms."
        )
    bound = commitment(derived(secret, name, "salt"), benchmark, order)
    described = {
        "name": name,
        "note": note,
        "protocol": PROTOCOL,
        "images": len(order),
        "commitment": bound,
        "how": "sha256(salt, sha256(gms.csv), sha256(benchmark.json), sha256(order))",
    }
    ids = [f"{name}/{number:06d}" for number in range(len(order))]
    contents = {
        ROUND: partial(_write, json_text(described)),
        IMAGES: partial(_write, _images(benchmark, data, order, ids)),
        TEMPLATE: partial(_write, _template(ids)),
    }
    with folders_in_place({folder: contents}):
        pass
    sets = benchmark.sets.values()
    return Round(
        name,
        folder,
        data,
        n_images=len(order),
        n_gms=len({gm for test in sets for gm in test}),
        n_sets=len(sets),
        intervals=any(len(test) > 1 for test in sets),
        commitment=bound,
    )


def zoo_builder(
    name: str,
    n_gms: int,
    images_per_gm: int,
    size: int,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Builder:
    """Returns a builder that makes a population with the zoo; needs the extra `zoo`.

    Args:
        name: Name of the round.
        n_gms: Number of GMs.
        images_per_gm: Number of images per GM.
        size: Height and width of the images.
        jobs: Number of GMs trained at once; by default one per core.
        progress: Progress callback, with the number of GMs made.
    """

    def build(seeds: Seeds, out: Path) -> None:
        from gmbench.zoo.build import build_zoo
        from gmbench.zoo.plan import plan_zoo

        plan = plan_zoo(
            n_gms,
            images_per_gm,
            size=size,
            seed=seeds.population,
            content_seed=seeds.contents,
            name=name,
        )
        build_zoo(plan, out, jobs=jobs, progress=progress)

    return build


def drawn_order(benchmark: Benchmark, secret: bytes) -> list[str]:
    """Returns the true `image_id` of every test image, in the order drawn from the secret.

    Images of one GM are not kept together, and neither names nor numbers tell which they are.
    """
    ids = sorted(set(image_index(benchmark).image_ids))
    seed = int.from_bytes(derived(secret, benchmark.name, "order"), "big")
    return [ids[place] for place in np.random.default_rng(seed).permutation(len(ids)).tolist()]


def _images(benchmark: Benchmark, data: Path, order: list[str], ids: list[str]) -> bytes:
    """Returns the published Parquet file: the images' own bytes under their new names."""
    found: dict[str, bytes] = {}
    for gm in sorted({image_id.rpartition("/")[0] for image_id in order}):
        table = pq.read_table(data / shard_path(benchmark, gm), columns=["image_id", "image"])
        for row in table.to_pylist():
            found[row["image_id"]] = row["image"]["bytes"]
    lacking = [image_id for image_id in order if image_id not in found]
    if lacking:
        raise BoardError(f"{data} lacks {len(lacking):,} images, such as {lacking[0]}.")
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table(
        {
            "image": pa.array(
                [{"bytes": found[image_id], "path": None} for image_id in order], image
            ),
            "image_id": pa.array(ids, pa.string()),
        }
    )
    features = {"image": {"_type": "Image"}, "image_id": {"dtype": "string", "_type": "Value"}}
    about = json.dumps({"info": {"features": features}})
    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({"huggingface": about}), buffer)
    return buffer.getvalue()


def _template(ids: list[str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("image_id", *NAMES))
    writer.writerows((image_id, *("",) * len(NAMES)) for image_id in ids)
    return text.getvalue()


def _write(content: bytes | str, path: Path) -> None:
    write_durably(path, content)


def write_revealed(folder: Path, salt: bytes, order: list[str], scored: Mapping[str, str]) -> None:
    """Publishes the salt, which image is which, and the hash of what each entry predicted."""
    data = {"salt": salt.hex(), "scored": dict(scored), "order": order}
    write_whole(folder / REVEALED, json_text(data))


def read_round(board: Board, name: str) -> dict[str, Any]:
    """Returns the published description of a round.

    Raises:
        BoardError: There is no such round, or its file is damaged.
    """
    return _read(round_folder(board, name) / ROUND, {"images": int, "commitment": str})


def read_closed(board: Board, name: str) -> dict[str, str]:
    """Returns the hash of every entry that a round had at its deadline, by name.

    Raises:
        BoardError: There is no such round, it is not closed, or its file is damaged.
    """
    path = round_folder(board, name) / CLOSED
    if not path.exists():
        raise BoardError(
            f"{name} still takes entries. `gmbench leaderboard round close {name}` ends that."
        )
    entries: dict[str, str] = _read(path, {"entries": dict})["entries"]
    return entries


def read_revealed(board: Board, name: str) -> dict[str, Any]:
    """Returns what was published at the end of a round: its salt and order.

    Raises:
        BoardError: There is no such round, it is not revealed, or its file is damaged.
    """
    return _read(round_folder(board, name) / REVEALED, {"salt": str, "order": list})


def require_revealed(board: Board, name: str) -> None:
    """Checks that a benchmark is no round whose labels are not known yet.

    Raises:
        BoardError: It is.
    """
    if not is_safe(name):
        return
    folder = round_folder(board, name)
    if (folder / ROUND).exists() and not (folder / REVEALED).exists():
        raise BoardError(
            f"{name} is a round that is not revealed: only its maker knows its labels. "
            "`gmbench leaderboard round seal` enters it."
        )


def sealed_predictions(board: Board, name: str) -> dict[str, str] | None:
    """Returns the hashes of what was predicted on a benchmark before its labels were known.

    Args:
        board: The leaderboard.
        name: Name of the benchmark, which is also that of its round if it was one.

    Returns:
        Hash of the predictions of each scored entry, by name; None if the benchmark was not a
        round, so that its labels were open from the beginning.

    Raises:
        BoardError: The file of a round is damaged.
    """
    if not is_safe(name) or not (round_folder(board, name) / REVEALED).exists():
        return None
    scored = read_revealed(board, name).get("scored")
    return scored if isinstance(scored, dict) else {}


def _read(path: Path, needed: dict[str, type]) -> dict[str, Any]:
    try:
        data = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BoardError(f"{path} cannot be read. Is the round's name right?") from error
    if not isinstance(data, dict) or not all(
        isinstance(data.get(key), kind) for key, kind in needed.items()
    ):
        raise BoardError(f"{path} is damaged: it needs {' and '.join(needed)}.")
    return data
