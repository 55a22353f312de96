"""How many images a core parses per second, where the time goes, and how a plain loop compares.

    python benchmarks/parse_throughput.py
    python benchmarks/parse_throughput.py --side 512 --images 200 --json

Images of each size and format (PNG, JPEG) are in one TAR. Measured are decoding alone, features
alone, features and what follows from them, and everything that `gmbench parse --out` does with a
part: reading the archive, decoding, features, the parser, the Parquet file. The plain way opens one
file after another, passes it to the parser, and writes the rows at the end; both are checked to
give the same rows. Times are processor seconds with one thread, the best of several runs of each in
turn, so that other work on the machine stretches them little. `--jobs` also runs whole commands,
measured in wall-clock time.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from threadpoolctl import threadpool_limits

from gmbench.data.rgb import Pixels, decode_rgb
from gmbench.parsing.known_gms import KnownGMs, _features
from gmbench.parsing.load import load_parser, parser_sha256
from gmbench.parsing.looking import PartTask, parse_part
from gmbench.parsing.rows import rows_of
from gmbench.parsing.work import begin, part_path

FACTS = {"parser": "", "parser_sha256": "", "sources": []}
FORMATS = {"PNG": {}, "JPEG": {"quality": 90}}
NUMBERS = {64: 256, 256: 64, 512: 32}
"""Number of images of each size: a second or two of work."""


A_DAY = 1e9 / 86_400
"""Images per second that make a billion per day."""


def images_of(side: int, number: int) -> Iterator[Pixels]:
    """Yields images that have detail at several scales, as photographs do."""
    generator = np.random.default_rng(side)
    for _ in range(number):
        total = np.zeros((side, side, 3))
        for scale in (1, 4, 16):
            shape = (max(1, side // scale), max(1, side // scale), 3)
            noise = generator.integers(0, 256, shape, dtype=np.uint8)
            large = Image.fromarray(noise).resize((side, side), Image.Resampling.BICUBIC)
            total += np.asarray(large, float) * scale / 21
        yield total.clip(0, 255).astype(np.uint8)


def encoded(pixels: Pixels, form: str) -> bytes:
    """Returns pixels as a file in a given format."""
    buffer = io.BytesIO()
    options: dict[str, Any] = FORMATS[form]
    Image.fromarray(pixels).save(buffer, form, **options)
    return buffer.getvalue()


def write_tar(path: Path, files: Sequence[bytes], ending: str) -> None:
    """Writes files into a TAR."""
    with tarfile.open(path, "w") as archive:
        for number, data in enumerate(files):
            member = tarfile.TarInfo(f"{number:06}.{ending}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def plain_way(parser: KnownGMs, paths: Sequence[Path], out: Path) -> None:
    """Parses files one after another, and writes their rows."""
    rows = []
    for path in paths:
        with Image.open(path) as image:
            rows.append(rows_of([path.name], parser.parse_each([image]), parser.labels))
    pd.concat(rows).to_parquet(out, index=False)


def seconds_of(ways: dict[str, Callable[[], object]], runs: int) -> dict[str, float]:
    """Returns the processor seconds of each way, the best of several runs in turn."""
    found: dict[str, float] = {}
    for _ in range(runs):
        for name, way in ways.items():
            began = time.process_time()
            way()
            found[name] = min(found.get(name, np.inf), time.process_time() - began)
    return found


def measure(parser: KnownGMs, side: int, form: str, number: int, runs: int) -> dict[str, Any]:
    """Measures images of one size and format."""
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        files = [encoded(pixels, form) for pixels in images_of(side, number)]
        decoded = [decode_rgb(data) for data in files]
        tar = work / "images.tar"
        write_tar(tar, files, form.lower())
        paths = []
        for place, data in enumerate(files):
            paths.append(work / f"{place:06}.{form.lower()}")
            paths[-1].write_bytes(data)
        run = begin(work / "run", [str(tar)], 1, FACTS)
        task = PartTask(run.folder, run.parts[0], None, parser_sha256())
        images = [Image.fromarray(pixels) for pixels in decoded]
        ways: dict[str, Callable[[], object]] = {
            "decoding": lambda: [decode_rgb(data) for data in files],
            "features": lambda: list(_features(iter(images))),
            "features and parser": lambda: parser.parse_each(iter(images)),
            "all, as --out does": lambda: parse_part(task),
            "plain loop": lambda: plain_way(parser, paths, work / "plain.parquet"),
        }
        found = seconds_of(ways, runs)
        ours = pd.read_parquet(part_path(run.folder, 0)).drop(columns=["image_id", "reason"])
        plain = pd.read_parquet(work / "plain.parquet").drop(columns="image_id")
        pd.testing.assert_frame_equal(ours, plain, check_dtype=False, rtol=1e-5, atol=1e-6)
        megabytes = sum(map(len, files)) / number / 1e6
    rates = {name: number / seconds for name, seconds in found.items()}
    return {
        "side": side,
        "format": form,
        "megabytes": megabytes,
        "images_a_second": rates,
        "milliseconds": 1000 / rates["all, as --out does"],
        "cores_for_a_billion_a_day": A_DAY / rates["all, as --out does"],
        "gigabit_a_second": A_DAY * megabytes * 8 / 1000,
        "times_plain": rates["all, as --out does"] / rates["plain loop"],
    }


def whole_command(side: int, number: int, jobs: int) -> dict[str, Any]:
    """Measures a whole command over four TARs of JPEGs, from start to end of the process."""
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        files = [encoded(pixels, "JPEG") for pixels in images_of(side, 64)]
        for shard in range(4):
            write_tar(work / f"{shard}.tar", files * (number // 256), "jpg")
        command = [sys.executable, "-m", "gmbench", "parse", str(work / "{0..3}.tar")]
        began = time.perf_counter()
        subprocess.run(
            [*command, "--out", str(work / "out"), "--jobs", str(jobs), "--json"],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        seconds = time.perf_counter() - began
    done = number // 256 * 256
    return {
        "side": side, "jobs": jobs, "images": done, "seconds": seconds,
        "images_a_second": done / seconds,
    }  # fmt: skip


def main() -> None:
    """Measures and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, action="append", help="side of the images; repeat")
    parser.add_argument("--images", type=int, help="images of each size")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--jobs", type=int, action="append", help="also run whole commands; repeat")
    parser.add_argument(
        "--price", type=float, default=0.04, help="of a core for an hour: say your own"
    )
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    arguments = parser.parse_args()
    known = load_parser()
    assert isinstance(known, KnownGMs)
    with threadpool_limits(1):
        rows = [
            measure(known, side, form, arguments.images or NUMBERS.get(side, 64), arguments.runs)
            for side in arguments.side or NUMBERS
            for form in FORMATS
        ]
    whole = [
        whole_command(256, 256 * size, jobs) for jobs in arguments.jobs or () for size in (2, 8)
    ]
    facts = {"machine": f"{platform.machine()}, {os.cpu_count()} cores", "core": rows}
    if arguments.json:
        print(json.dumps({**facts, "commands": whole}, indent=2))
        return
    print(f"images a second of a core; {facts['machine']}")
    names = list(rows[0]["images_a_second"])
    print("| side | format | MB | " + " | ".join(names) + " | ms an image | times the plain loop |")
    print("|---|---|" + "---|" * (len(names) + 3))
    for row in rows:
        rates = " | ".join(f"{row['images_a_second'][name]:,.0f}" for name in names)
        print(
            f"| {row['side']} | {row['format']} | {row['megabytes']:.3f} | {rates} | "
            f"{row['milliseconds']:.1f} | {row['times_plain']:.1f} |"
        )
    print("\na billion images a day")
    print("| side | format | cores | gigabit a second | core hours a million | price a million |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        hours = row["milliseconds"] / 3.6
        print(
            f"| {row['side']} | {row['format']} | {row['cores_for_a_billion_a_day']:,.0f} | "
            f"{row['gigabit_a_second']:.1f} | {hours:.2f} | {hours * arguments.price:.3f} |"
        )
    for one in whole:
        print(
            f"whole command, {one['images']:,} JPEG of {one['side']} px, {one['jobs']} jobs: "
            f"{one['seconds']:.1f} s, {one['images_a_second']:.0f} a second"
        )


if __name__ == "__main__":
    main()
