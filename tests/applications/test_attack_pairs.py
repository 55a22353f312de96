from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gmbench.applications.attack_pairs import CATEGORIES, AttackImages, deal, draw_pairs
from gmbench.errors import BenchmarkError
from tests.applications.attacks import images_of


def category_of(images: AttackImages, first: int, second: int) -> str:
    one, other = images.gms[[first, second]]
    seen = [bool(images.seen[gm]) for gm in (one, other)]
    if one == other:
        return "same_seen" if seen[0] else "same_unseen"
    return ("different_unseen", "seen_and_unseen", "different_seen")[sum(seen)]


def test_the_categories_are_what_they_say_and_as_large() -> None:
    images = images_of()
    pairs = draw_pairs(images, 60, seed=3)
    ends = list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
    named = [CATEGORIES[number] for number in pairs.categories]
    assert named == [category_of(images, *pair) for pair in ends]
    assert Counter(named) == dict.fromkeys(CATEGORIES, 60)
    # Nobody twice, nobody with itself.
    assert len({frozenset(pair) for pair in ends}) == len(pairs)
    assert all(one != other for one, other in ends)
    assert pairs.same.tolist() == [images.gms[one] == images.gms[other] for one, other in ends]
    # 60 pairs of 6 GMs are 10 each, of 15 pairs of GMs 4 each, of 36 one or two each.
    cells = Counter(
        (name, *sorted(images.gms[list(pair)].tolist()))
        for name, pair in zip(named, ends, strict=True)
    )
    sizes = {name: {n for (of, *_), n in cells.items() if of == name} for name in CATEGORIES}
    assert sizes == {
        "same_seen": {10}, "same_unseen": {10}, "different_seen": {4}, "different_unseen": {4},
        "seen_and_unseen": {1, 2},
    }  # fmt: skip


def test_the_seed_alone_says_which() -> None:
    images = images_of()
    one, again, other = (draw_pairs(images, 50, seed) for seed in (1, 1, 2))
    assert np.array_equal(one.first, again.first)
    assert np.array_equal(one.second, again.second)
    assert not np.array_equal(one.first, other.first)


def test_all_pairs_where_more_are_asked_for() -> None:
    images = images_of(4, 3)
    pairs = draw_pairs(images, 10**6)
    # Two seen GMs have 3 pairs each; all categories give as many as the smallest.
    assert np.bincount(pairs.categories).tolist() == [6] * 5
    own = pairs.same
    found = {frozenset(e) for e in zip(pairs.first[own], pairs.second[own], strict=True)}
    assert found == {
        frozenset((3 * gm + a, 3 * gm + b)) for gm in range(4) for a, b in ((0, 1), (0, 2), (1, 2))
    }


def test_pairs_are_of_one_parser() -> None:
    images = images_of(12, 4, n_seen=0, parsers=3)
    pairs = draw_pairs(images, 30)
    assert set(pairs.categories.tolist()) == {1, 3}
    of = images.parsers[images.gms]
    assert np.array_equal(of[pairs.first], of[pairs.second])


@pytest.mark.parametrize(
    "images",
    [images_of(1, 5), images_of(6, 1), images_of(4, 3, parsers=4)],
    ids=["one GM", "one image of each", "each of another parser"],
)
def test_too_few_are_one_clear_line(images: AttackImages) -> None:
    with pytest.raises(BenchmarkError, match="at least two images of each of two GMs"):
        draw_pairs(images, 10)


def test_no_image_at_all() -> None:
    with pytest.raises(BenchmarkError, match="images of 0 GMs"):
        draw_pairs(replace(images_of(), gms=np.array([], dtype=np.int64)), 10)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=12), st.integers(0, 400))
def test_dealing_is_as_even_as_there_is_room(room: list[int], wanted: int) -> None:
    wanted = min(wanted, sum(room))
    shares = deal(wanted, np.array(room), np.random.default_rng(0))
    assert shares.sum() == wanted
    assert (shares <= room).all()
    # Who has room left has at most one less than anybody.
    left = shares[shares < np.array(room)]
    if len(left):
        assert left.min() >= shares.max() - 1
