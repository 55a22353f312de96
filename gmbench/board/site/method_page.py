"""The page of one method: its card, how to reproduce it, and its result as a report shows it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from gmbench.benchmark.benchmark import MINI116, NAMED
from gmbench.board.rows import Row
from gmbench.board.site.against_floor import gap_panels, kind_rows
from gmbench.board.site.floors import Floors
from gmbench.board.site.methods_table import cost_text
from gmbench.board.site.seed_table import seed_table
from gmbench.board.site.shown_gms import STRIP_SIZE, shown_gms
from gmbench.board.submission_card import TRAINING_DATA, Card
from gmbench.evaluation.result import Evaluation
from gmbench.pages.drawing.charts import Frame
from gmbench.pages.environment import render
from gmbench.pages.report.sections import page
from gmbench.training.recipes import Recipe, baselines_directory, find_recipes

PREDICTIONS = "predictions"
"""Folder of the site that holds a copy of each prediction file."""

BASELINES = "baselines"
"""Folder of the site that holds the baselines: what each is, and its recipe."""

BASELINE_FILES = ("README.md", "recipe.yaml")
"""Files of a baseline's folder that the site has copies of; not all baselines have the first."""

PICTURES = "images"
"""Folder of the site that holds the GMs' images."""


def method_page(row: Row, floors: Floors, *, pictures: bool) -> str:
    """Returns the page of a measured method.

    Args:
        row: The method.
        floors: What labels alone achieve on its benchmark.
        pictures: Whether images of the GMs may be shown.
    """
    assert row.card is not None
    assert row.result is not None
    card, evaluation = row.card, Evaluation.from_dict(row.result)
    ranks = {key: str(cell.rank or "") for key, cell in row.cells.items()}
    best, worst = shown_gms(row, floors, pictures=pictures)
    return render(
        "method.html.j2",
        page=page(evaluation, ranks),
        frame=Frame(),
        card=card,
        facts=[(name, text) for name, text in _facts(card, row.resubmitted) if text],
        links=_links(row, card),
        commands=commands(card),
        citation=citation(card),
        seeds=seed_table(row),
        gaps=gap_panels(row),
        by_kind=kind_rows(row, floors),
        examples=(("Lowest L1", best), ("Highest L1", worst)),
        folder_of_pictures=PICTURES,
        strip_size=STRIP_SIZE,
    )


def own_recipe(card: Card) -> Recipe | None:
    """Returns the recipe of this project that a card names, if any."""
    return _recipes().get(card.recipe or "")


def baseline_files(card: Card) -> dict[str, Path]:
    """Returns the files of the baseline that a card names, if any, by their path in the site."""
    recipe = own_recipe(card)
    if recipe is None:
        return {}
    folder = baselines_directory() / recipe.name
    files = {f"{BASELINES}/{recipe.name}/{one}": folder / one for one in BASELINE_FILES}
    return {place: file for place, file in files.items() if file.is_file()}


@cache
def _recipes() -> dict[str, Recipe]:
    return find_recipes()


_LATEX = str.maketrans(
    dict.fromkeys("{}\\", "")
    | {letter: f"\\{letter}" for letter in "&%$#_"}
    | {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
)


def citation(card: Card) -> str:
    """Returns a method's BibTeX entry.

    Braces, which would end a field, are left out of its values, and so is the backslash, which
    would begin a command; what else means something to LaTeX is escaped.
    """
    fields = {
        "title": card.title,
        "author": " and ".join(card.authors),
        "year": str(card.date.year),
        "howpublished": card.url or card.paper or f"gmbench, {BASELINES}/{card.recipe}",
        "note": f"Submission {card.name} to {card.predicted}, gmbench leaderboard",
    }
    plain = {key: text.translate(_LATEX) for key, text in fields.items()}
    lines = [f"  {key} = {{{text}}}," for key, text in plain.items()]
    return "\n".join([f"@misc{{{card.name},", *lines, "}"])


def commands(card: Card) -> tuple[tuple[str, str], ...]:
    """Returns the commands that reproduce a method's figures, each after a short description.

    If the card names a baseline's recipe, that is trained again; the figures follow from the
    predictions in any case.
    """
    known = card.benchmark in NAMED
    figures = f"gmbench leaderboard verify {card.name}"
    if known:
        # The names of the GMs tell the benchmark, except that other sets are mini116's by default.
        named = f" -b {card.benchmark}" if card.sets and card.benchmark != MINI116.name else ""
        sets = f" --sets {card.sets}" if card.sets else ""
        figures = f"gmbench evaluate {card.name}.parquet{named}{sets} --out report"
    found = [("Every figure, from the predictions", figures)]
    recipe = own_recipe(card)
    if recipe is None:
        return tuple(found)
    if card.recipe_commit:
        found.append(("The code that it was made with", f"git checkout {card.recipe_commit}"))
    again = f"gmbench leaderboard rerun {card.name}"
    if recipe.needs != "labels":
        if card.benchmark == MINI116.name:
            found.append(("The images", f"gmbench data build --out {_DATA}"))
        elif known:
            images = (
                f"gmbench data build --benchmark {card.benchmark} --images {card.benchmark}.zip"
            )
            found.append(("The images, from their authors' archive", f"{images} --out {_DATA}"))
        again += f" --data {_DATA}"
    found.append(("The method, trained again and compared", again))
    return tuple(found)


_DATA = "gm-parsing"


def _links(row: Row, card: Card) -> list[tuple[str, str]]:
    words_of = {"README.md": f"{BASELINES}/{card.recipe}", "recipe.yaml": "Recipe"}
    own = [(words_of[file.name], f"../{place}") for place, file in baseline_files(card).items()]
    addresses = (
        ("Website", card.url),
        ("Paper", card.paper),
        ("Code", card.code),
        ("Model", card.model),
        ("Predictions", row.file and f"../{PREDICTIONS}/{card.name}.parquet"),
        ("Permalink", f"{card.name}.html"),
    )
    return own + [(words, address) for words, address in addresses if address]


def _facts(card: Card, resubmitted: int) -> tuple[tuple[str, str], ...]:
    def cost(value: float | None, unit: str = "") -> str:
        return "not given" if value is None else f"{cost_text(float(value))}{unit}, as stated"

    times = {0: "", 1: ", replaced once"}.get(resubmitted, f", replaced {resubmitted} times")
    return (
        ("Authors", ", ".join(card.authors)),
        ("Trained on", f"{TRAINING_DATA[card.training_data]}, as stated"),
        ("In detail", card.training_details),
        ("Weights", cost(card.params)),
        ("Training", cost(card.training_hours, " hours")),
        ("One image", cost(card.seconds_per_image, " s")),
        ("Measured on", f"{card.hardware}, as stated" if card.hardware else ""),
        ("Licence", card.license or ""),
        ("Submitted", f"{card.date.isoformat()}, as {card.name}{times}"),
        ("Notes", card.notes),
    )
