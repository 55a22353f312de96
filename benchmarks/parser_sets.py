"""The parser that comes with the package on the test sets of a benchmark, scored as any method is.

    python benchmarks/parser_sets.py --data DIR --extra DIR --real DIR -o FILE.json

Each set is predicted, one image at a time, by a parser trained like the one that comes with the
package, on everything except the GMs of the set and their replicas. What it learns about its own
errors it learns without them, too. GMs with equal labels stay among the known, as in the paper's
sets, unless `--no-twins` is given: then these are left out as well.
"""

from __future__ import annotations

import known_images
import numpy as np

from gmbench.evaluation.evaluate import evaluate
from gmbench.files import json_text, write_whole
from gmbench.parsing.fitting import fit_known_gms
from gmbench.parsing.train import COPIES
from gmbench.training.parsed import ParsedImages
from gmbench.training.parsed_sets import predictions_of, present_gms


def main() -> None:
    """Trains once per set, and writes the scores."""
    parser = known_images.options(__doc__)
    parser.add_argument("--no-twins", action="store_true")
    arguments = parser.parse_args()
    benchmark, images = known_images.read(arguments)
    parsed: dict[str, ParsedImages] = {}
    for name in benchmark.sets:
        gms = present_gms(benchmark, name)
        rows = [images.names.index(gm) for gm in gms]
        out = set(gms)
        if arguments.no_twins:
            alike = (images.values[:, None] == images.values[rows]).all(axis=2).any(axis=1)
            out |= {images.speaks_for[gm] for gm in np.flatnonzero(alike)}
        known = images.without(out)
        fitted = fit_known_gms(known, benchmark, arguments.seed, {})
        asked = np.concatenate([np.flatnonzero(images.groups == row) for row in rows])
        said = fitted.parser.look_at(images.features[asked])
        parsed[name] = fitted.parser.parsed(said.shares)
        print(f"{name}: {len(gms)} GMs, {len(asked)} images, {len(known.names)} known", flush=True)
    result = evaluate(predictions_of(benchmark, "known_gms", parsed), benchmark).to_dict()
    found = {key: result[key] for key in ("benchmark", "version", "n_images", "n_gms", "summary")}
    write_whole(arguments.out, json_text({"seed": arguments.seed, "copies": COPIES, **found}))


if __name__ == "__main__":
    main()
