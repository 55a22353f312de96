"""The texts of a dataset folder: its card (`README.md`) and the Hub's `eval.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import yaml

from gmbench.benchmark.benchmark import Benchmark
from gmbench.benchmark.catalog import is_published
from gmbench.data.features import configurations, dataset_features, example_split, group_of
from gmbench.data.inspection import Inspection
from gmbench.data.shards import ShardRecord
from gmbench.schema import KINDS, markdown_table
from gmbench.wording import plural

if TYPE_CHECKING:
    from datasets import DatasetInfo

HUB_TASKS: Mapping[str, str] = {
    "l1": "mean L1 error of the 9 continuous parameters, normalised; lower is better",
    "arch_f1": "weighted F1 of the 6 discrete parameters; higher is better",
    "loss_f1": "weighted F1 of the 10 training losses; higher is better",
}
"""The tasks that a result on the Hub can be about: the id in `eval.yaml`, and its meaning."""

PAPER = "https://arxiv.org/abs/2106.07873"


def card_configs(benchmark: Benchmark) -> list[dict[str, Any]]:
    """Returns the card's `configs`: which shards make up which split of which configuration."""
    configs = []
    for number, (config, splits) in enumerate(configurations(benchmark).items()):
        entry: dict[str, Any] = {"config_name": config}
        if number == 0:
            entry["default"] = True
        entry["data_files"] = [
            {
                "split": split,
                "path": [
                    f"data/{group}/*.parquet"
                    for group in sorted({group_of(benchmark, gm) for gm in gms})
                ],
            }
            for split, gms in splits.items()
        ]
        if splits:
            configs.append(entry)
    return configs


def card_text(
    benchmark: Benchmark, records: Mapping[str, ShardRecord], inspection: Inspection
) -> str:
    """Returns `README.md`: the metadata that `datasets` and the Hub read, then text for people.

    Args:
        benchmark: What was built, with the number of images that exist.
        records: Record of the shard of each GM that has one, by GM name.
        inspection: Which of the expected images were found.
    """
    licence = _LICENCE if any(map(is_published, benchmark.gms)) else "not-stated"
    metadata = card_metadata(benchmark, records, licence)
    return f"---\n{metadata}\n---\n\n{_body(benchmark, inspection)}"


def card_metadata(
    benchmark: Benchmark,
    records: Mapping[str, ShardRecord],
    licence: str,
    further: Mapping[str, tuple[dict[str, Any], DatasetInfo]] | None = None,
) -> str:
    """Returns the metadata of a card as YAML, without the surrounding lines of dashes.

    Args:
        benchmark: What was built, with the number of images that exist.
        records: Record of the shard of each GM that has one, by GM name.
        licence: The name of the licence that the Hub shows.
        further: For each configuration beyond the benchmark's own, by name: its entry in the
            card's `configs` and its description.
    """
    from datasets import DatasetInfo, SplitDict, SplitInfo
    from datasets.info import DatasetInfosDict
    from huggingface_hub import DatasetCardData

    features = dataset_features(benchmark)
    infos = {}
    for config, splits in configurations(benchmark).items():
        sizes = {
            split: SplitInfo(
                split,
                num_bytes=sum(records[gm].arrow_bytes for gm in gms),
                num_examples=sum(records[gm].n_images for gm in gms),
            )
            for split, gms in splits.items()
        }
        infos[config] = DatasetInfo(
            features=features,
            splits=SplitDict(sizes),
            download_size=sum(records[gm].n_bytes for gms in splits.values() for gm in gms),
            dataset_size=sum(info.num_bytes for info in sizes.values()),
        )
    further = further or {}
    data = DatasetCardData(
        pretty_name=card_title(benchmark),
        license="other",
        license_name=licence,
        task_categories=["image-classification"],
        tags=["benchmark", "model-parsing", "generative-models", "image-forensics"],
        size_categories=[_size_category(sum(benchmark.n_images))],
        configs=card_configs(benchmark) + [entry for entry, _ in further.values()],
    )
    infos |= {config: info for config, (_, info) in further.items()}
    DatasetInfosDict(infos).to_dataset_card_data(data)
    return str(data.to_yaml())


def eval_text(benchmark: Benchmark) -> str:
    """Returns `eval.yaml`, by which the Hub recognises a dataset as a benchmark."""
    config, split = example_split(benchmark)
    measures = "; ".join(f"{task}: {meaning}" for task, meaning in HUB_TASKS.items())
    described = {
        "name": card_title(benchmark),
        "description": (
            "Infer 25 hyperparameters of a generative model from one of its images. A result is "
            f"the mean over the test splits of {', '.join(benchmark.sets)}, as `gmbench evaluate` "
            f"prints it. {measures}."
        ),
        "evaluation_framework": "gmbench",
        "tasks": [{"id": task, "config": config, "split": split} for task in HUB_TASKS],
    }
    return yaml.safe_dump(described, sort_keys=False, allow_unicode=True, width=90)


def card_title(benchmark: Benchmark) -> str:
    """Returns the heading of a card: `gm-parsing`, the benchmark and its version."""
    return f"gm-parsing: {benchmark.name} {benchmark.version}"


def _size_category(n_images: int) -> str:
    sizes = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M")
    digits = len(str(n_images))
    return sizes[min(max(digits - 3, 0), len(sizes) - 1)]


def introduction(benchmark: Benchmark, what: str, whose: str = "") -> str:
    """Returns the first lines of a card: what the images are, and what the task is.

    Args:
        benchmark: What was built, with the number of images that exist.
        what: What made the images, such as `published generative models`.
        whose: A relative clause that follows, such as `that gmbench trained itself`.
    """
    present = [g for g, n in zip(benchmark.gms, benchmark.n_images, strict=True) if n]
    kinds = ", ".join(
        f"{count} {kind}" for kind in KINDS if (count := sum(gm.kind == kind for gm in present))
    )
    return f"""# {card_title(benchmark)}

Images of {len(present)} {what} (GMs: {kinds}){whose and " " + whose}, each image labelled with 25
hyperparameters of the GM that made it: 9 counts of its architecture, 6 discrete choices, 10
training losses. The task, *model parsing*, is to infer them from one image of a GM that was
never seen in training. It was set by [Reverse Engineering of Generative Models]({PAPER}).
"""


def columns_section(benchmark: Benchmark, images: str = "") -> str:
    """Returns a card's section on the columns; `images` is a sentence about the image files."""
    return f"""## Columns

`image`; `image_id` (GM and position, as `{benchmark.gms[0].name}/000023`); `gm`, `kind`, `content`
(classes); the 25 parameters below in natural units; `target` (25 numbers: 9 counts scaled to 0..1
over the GMs of the benchmark, 6 class indices, 10 times 0 or 1).{images and " " + images}

{markdown_table()}
"""


def example_arguments(benchmark: Benchmark) -> str:
    """Returns what a card's example tells `load_dataset` to open: `"set_1", split="test"`."""
    config, split = example_split(benchmark)
    return f'"{config}", split="{split}"'


_LICENCE = "images-belong-to-their-authors"
_AUTHORS_IMAGES = (
    "The images are the work of the authors of the GMs and of the benchmark. Their terms hold; "
    "this folder was put together from a copy that its owner already had, and gives nobody a right "
    "to redistribute them."
)
_OTHER_IMAGES = (
    "Where the images come from, and on which terms, is not stated here: this folder was put "
    "together from images that its owner had."
)
_PAPERS_LABELS = (
    "They were read from the arrays that the paper's authors published; what is doubtful about "
    "them is written down in the documentation of gmbench."
)
_OTHER_LABELS = "They are those that the maker of the benchmark gave."


def _body(benchmark: Benchmark, inspection: Inspection) -> str:
    of_the_paper = list(map(is_published, benchmark.gms))
    images = _AUTHORS_IMAGES if any(of_the_paper) else _OTHER_IMAGES
    labels = _PAPERS_LABELS if all(of_the_paper) else _OTHER_LABELS
    what = "published generative models" if all(of_the_paper) else "generative models"
    example = example_arguments(benchmark)
    return f"""{introduction(benchmark, what)}
{_what_is_missing(inspection)}## Images and licence

{images} The bytes of every image file are unchanged.

## Configurations

{configuration_table(benchmark)}

All configurations share the same files; each image is stored once.

{columns_section(benchmark)}
## Origin of the labels

`gms.csv` holds the labels, one row a GM. {labels}

## Load

```python
from datasets import load_dataset

images = load_dataset("gm-parsing", {example})  # the folder, or its name on the Hub
```

With `streaming=True` nothing is copied to the cache of `datasets`.

## Evaluate

```
gmbench template --benchmark gm-parsing   # an empty prediction file
gmbench evaluate predictions.csv --benchmark gm-parsing
```

`gmbench data verify gm-parsing` checks that the folder is whole and unchanged.
"""


def _what_is_missing(inspection: Inspection) -> str:
    counts = inspection.gms.values()
    absent = sum(not count.kept for count in counts)
    fewer = sum(0 < (count.kept or 0) < count.expected for count in counts)
    if not (absent or fewer):
        return ""
    return (
        f"**This is not the whole benchmark**: of its {len(counts)} GMs, {absent} have no image "
        f"here and {fewer} have fewer than they should. Results on it compare with nothing else. "
        "`inspection.json` lists what is missing.\n\n"
    )


def configuration_table(benchmark: Benchmark) -> str:
    """Returns a Markdown table of the GMs and images in each split of each configuration."""
    rows = "\n".join(
        f"| `{config}` | "
        + " | ".join(_count(benchmark, splits, s) for s in ("train", "test"))
        + " |"
        for config, splits in configurations(benchmark).items()
    )
    return f"| configuration | train | test |\n|---|---|---|\n{rows}"


def _count(benchmark: Benchmark, splits: Mapping[str, tuple[str, ...]], split: str) -> str:
    gms = splits.get(split, ())
    images = sum(benchmark.n_images[benchmark.index[gm]] for gm in gms)
    return f"{plural(len(gms), 'GM')}, {plural(images, 'image')}" if gms else "-"
