"""The parser that comes with the package: small, honest about itself, better than labels alone."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from gmbench.benchmark.benchmark import MINI116, load_benchmark
from gmbench.benchmark.catalog import diffusion7, red116
from gmbench.data.features import shard_path
from gmbench.parsing.known_gms import KnownGMs
from gmbench.parsing.load import SHIPPED, load_parser
from gmbench.parsing.train import COPIES, card
from gmbench.schema import NAMES
from gmbench.training.changed_images import saved_as_jpeg


def shipped() -> KnownGMs:
    parser = load_parser()
    assert isinstance(parser, KnownGMs)
    return parser


def test_says_what_it_was_trained_on() -> None:
    parser = shipped()
    published = {gm.name: gm for gm in (*red116(), *diffusion7())}
    replicas = {gm.name for gm in load_benchmark("mini116").gms}
    own = set(parser.trained_on["gms"])
    assert replicas <= own
    assert own - replicas <= set(published)
    # A replica speaks for the GM that it is a replica of.
    assert [name.removeprefix("MINI_") for name in parser.trained_on["gms"]] == [*parser.names]
    for name, values in zip(parser.names, parser.values.tolist(), strict=True):
        assert tuple(values) == published[name].values
    assert parser.labels.sha256 == load_benchmark("red116").labels_sha256
    assert parser.trained_on["copies"] == COPIES
    assert {path.suffix for path in SHIPPED.iterdir()} == {".json", ".md", ".npz"}
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 15_000_000


def test_the_card_says_what_was_measured() -> None:
    written = (SHIPPED / "README.md").read_text(encoding="utf-8")
    assert written.startswith(card(shipped().trained_on))
    for public in ("AntixK/PyTorch-VAE", "eriklindernoren/PyTorch-GAN"):
        assert public in written


def test_better_than_labels_alone_on_gms_it_has_not_seen() -> None:
    for domain in ("published", "replicas"):
        found = shipped().trained_on["accuracy"][domain]
        for metric, better in (("l1", -1), ("arch_f1", 1), ("loss_f1", 1)):
            value, *ends = found["image"][metric]
            assert min(ends) <= value <= max(ends)
            assert better * value > better * found["labels_alone"][metric][0]
        assert all(0.7 < share < 0.95 for share in found["coverage"].values())


def test_parses_images_of_its_own_gms() -> None:
    mini116 = load_benchmark("mini116")
    right = 0
    for gm in mini116.gms[::12]:
        rows = pq.read_table(MINI116 / shard_path(mini116, gm.name), columns=["image"])
        images = [Image.open(io.BytesIO(row["bytes"])) for row in rows["image"].to_pylist()[:4]]
        parsed = load_parser().parse(images)
        assert tuple(one.name for one in parsed.parameters) == NAMES
        right += parsed.relatives[0].gm == gm.name.removeprefix("MINI_")
    assert right >= 8


def test_is_asked_without_torch_and_without_scikit_learn() -> None:
    code = (
        "import sys, numpy as np, gmbench\n"
        "gmbench.parse(np.zeros((32, 32, 3), np.uint8))\n"
        "print([name for name in ('torch', 'sklearn', 'datasets') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_says_the_same_of_an_image_alone_and_among_others() -> None:
    parser, images = shipped(), np.random.default_rng(0).integers(0, 256, (3, 40, 40, 3), np.uint8)
    together = parser.parse_each(map(Image.fromarray, images))
    for row, image in enumerate(images):
        alone = parser.parse_each([Image.fromarray(image)])
        np.testing.assert_allclose(alone.probabilities[0], together.probabilities[row], atol=1e-9)


def test_knows_its_own_gms_when_their_images_were_saved_again() -> None:
    mini116 = load_benchmark("mini116")
    right = 0
    for gm in mini116.gms[::12]:
        rows = pq.read_table(MINI116 / shard_path(mini116, gm.name), columns=["image"])
        files = [io.BytesIO(row["bytes"]) for row in rows["image"].to_pylist()[:4]]
        images = [saved_as_jpeg(Image.open(file).convert("RGB"), 70) for file in files]
        right += load_parser().parse(images).relatives[0].gm == gm.name.removeprefix("MINI_")
    assert right >= 8
