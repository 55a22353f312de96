from __future__ import annotations

import numpy as np
import pytest

from gmbench.parsing.grouping import MIXED, groups_of, sources_of


def test_images_of_two_sources_are_parted_and_of_one_are_not() -> None:
    generator = np.random.default_rng(0)
    one, other = np.eye(6)[0], np.eye(6)[3]
    shares = 0.8 * np.vstack([np.tile(one, (3, 1)), np.tile(other, (5, 1))]) + 0.2 / 6
    shares += generator.uniform(0, 0.01, shares.shape)
    assert [part.tolist() for part in groups_of(shares)] == [[3, 4, 5, 6, 7], [0, 1, 2]]
    assert len(groups_of(shares[3:])) == 1


def test_of_many_images_some_are_compared_from_first_to_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gmbench.parsing.grouping.MOST_COMPARED", 4)
    shares = np.repeat(np.eye(6)[[0, 3]], 5, axis=0) + 1e-9
    assert [part.tolist() for part in sources_of(shares)] == [[0, 3], [6, 9]]
    assert [part.tolist() for part in sources_of(shares[:3])] == [[0, 1, 2]]


def test_one_image_is_one_group() -> None:
    assert [part.tolist() for part in groups_of(np.full((1, 4), 0.25))] == [[0]]


def test_what_is_spoken_of_unasked_is_plainer_than_what_is_parted() -> None:
    shares = np.array([[0.7, 0.3, 0.0], [0.0, 0.3, 0.7]]) + 1e-9
    assert len(groups_of(shares)) == 2
    assert len(groups_of(shares, MIXED)) == 1
