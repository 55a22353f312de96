"""The page of one method: its card, and its result as a report shows it."""

from __future__ import annotations

from gmbench.board.rows import Row
from gmbench.board.site.methods_table import cost_text
from gmbench.board.submission_card import TRAINING_DATA, Card
from gmbench.evaluation.result import Evaluation
from gmbench.pages.environment import render
from gmbench.pages.report.sections import page


def method_page(row: Row) -> str:
    """Returns the page of a measured method."""
    assert row.card is not None
    assert row.result is not None
    card, evaluation = row.card, Evaluation.from_dict(row.result)
    ranks = {key: str(cell.rank or "") for key, cell in row.cells.items()}
    addresses = (
        ("Website", card.url),
        ("Paper", card.paper),
        ("Code", card.code),
        ("Model", card.model),
    )
    return render(
        "method.html.j2",
        page=page(evaluation, ranks),
        card=card,
        facts=[(name, text) for name, text in _facts(card) if text],
        links=[(words, address) for words, address in addresses if address],
        citation=citation(card),
    )


def citation(card: Card) -> str:
    """Returns a method's entry for BibTeX; braces of its own would end a field, so they go."""
    fields = {
        "title": card.title,
        "author": " and ".join(card.authors),
        "year": str(card.date.year),
        "howpublished": card.url,
        "note": f"Submission {card.name} to {card.predicted}, gmbench leaderboard",
    }
    plain = {key: text.translate({ord("{"): "", ord("}"): ""}) for key, text in fields.items()}
    lines = [f"  {key} = {{{text}}}," for key, text in plain.items()]
    return "\n".join([f"@misc{{{card.name},", *lines, "}"])


def _facts(card: Card) -> tuple[tuple[str, str], ...]:
    def cost(value: float | None, unit: str = "") -> str:
        return "not given" if value is None else f"{cost_text(float(value))}{unit}"

    return (
        ("Authors", ", ".join(card.authors)),
        ("Trained on", TRAINING_DATA[card.training_data]),
        ("In detail", card.training_details),
        ("Weights", cost(card.params)),
        ("Training", cost(card.training_hours, " hours")),
        ("One image", cost(card.seconds_per_image, " s")),
        ("Measured on", card.hardware),
        ("Licence", card.license or ""),
        ("Submitted", f"{card.date.isoformat()}, as {card.name}"),
        ("Notes", card.notes),
    )
