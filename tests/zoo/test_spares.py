"""A GM that cannot learn is replaced by its spares, one after the other, and leaves no gap."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gmbench.zoo.population import draw_population
from gmbench.zoo.training import train_gm
from tests.zoo.fake_kind import fake_plan


def test_spares_are_trained_in_turn() -> None:
    plan = fake_plan()
    drawn = plan.population[0]
    hopeless = replace(drawn, options={"width": 2, "behaviour": "never_learns"})
    spares = (
        replace(drawn, options={"width": 3, "behaviour": "raises"}),
        replace(drawn, options={"width": 9}),
    )
    task = plan.task(replace(hopeless, spares=spares))
    real = plan.by_key[drawn.needs[0]].train
    outcome = train_gm(task, real)
    assert [attempt.spare for attempt in outcome.attempts] == [0] * task.attempts + [
        1
    ] * task.attempts + [2]
    assert outcome.labels is not None
    assert outcome.specification.name == drawn.name
    # The very images that the last spare makes when it is the GM itself.
    itself = train_gm(plan.task(spares[1]), real)
    assert outcome.images == itself.images
    assert np.array_equal(outcome.labels, itself.labels or ())
    assert train_gm(plan.task(replace(hopeless, spares=spares[:1])), real).labels is None


def test_every_gm_has_two_spares_of_its_kind_and_content() -> None:
    for gm in draw_population(40, size=32, contents=("digits", "faces"), seed=3, prefix="X_"):
        first, last = gm.spares
        for spare in gm.spares:
            assert (spare.name, spare.kind, spare.content) == (gm.name, gm.kind, gm.content)
            assert spare.options != gm.options or spare.family != gm.family
        assert first.family == gm.family
        assert last.family != gm.family


def test_contents_are_shared_evenly_over_all_kinds() -> None:
    population = draw_population(116, size=32, contents=("a", "b", "c", "d"), seed=0, n_diffusion=8)
    counts = [sum(gm.content == name for gm in population) for name in "abcd"]
    assert max(counts) - min(counts) <= 1
