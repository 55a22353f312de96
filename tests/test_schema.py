from __future__ import annotations

import pytest

from gmbench.errors import UnknownNameError
from gmbench.schema import CONTINUOUS, DISCRETE, LOSSES, NAMES, get_parameter


def test_order_of_the_25_parameters() -> None:
    assert " ".join(NAMES) == (
        "layers conv_layers fc_layers pool_layers norm_layers filters layers_per_block blocks "
        "parameters normalization last_nonlinearity block_nonlinearity upsampling "
        "skip_connection downsampling loss_l1 loss_l2 loss_mse loss_mmd loss_adversarial "
        "loss_wgan loss_kl loss_hinge loss_ls loss_ce"
    )


def test_classes_as_in_table_2() -> None:
    assert [len(parameter.classes) for parameter in DISCRETE] == [4, 4, 4, 2, 2, 2]
    assert all(not parameter.classes for parameter in CONTINUOUS + LOSSES)


def test_loss_groups_as_in_table_3() -> None:
    assert [parameter.group for parameter in LOSSES] == (
        ["pixel"] * 4 + ["discriminator"] * 5 + ["classification"]
    )


def test_names_are_found_in_any_spelling() -> None:
    assert get_parameter("Layers per block").name == "layers_per_block"


def test_unknown_name_gives_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"Did you mean normalization"):
        get_parameter("normalisation")
