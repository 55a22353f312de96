from __future__ import annotations

import json
from typing import Any

import pytest
import torch

from gmbench.models.heads import ClassSlots
from gmbench.models.parsing import ModelParser, ParserConfig, ParserOutput
from gmbench.models.settings import SettingError
from tests.models.fake_targets import SMALL

VARIANTS = {
    "two parsers": SMALL,
    "one parser": SMALL.model_copy(update={"parsers": 1}),
    "no fingerprint network": SMALL.model_copy(update={"fingerprint": False}),
    "grey, more classes": SMALL.model_copy(update={"channels": 1, "n_classes": (4, 5, *(2,) * 14)}),
}


@pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize("shape", [(64, 64), (28, 28), (33, 33), (8, 40), (1, 1)])
def test_images_of_every_size_are_parsed(config: ParserConfig, shape: tuple[int, int]) -> None:
    network = ModelParser(config).eval()
    output = network(torch.rand(2, config.channels, *shape))
    n_slots = sum(config.n_classes)
    assert output.deviation.shape == (2, 9)
    assert output.instance_logits.shape == (2, n_slots)
    if config.parsers == 2:
        assert output.cluster_continuous.shape == (2, 9)
        assert output.cluster_logits.shape == (2, n_slots)
        assert output.fusion_logits.shape == (2, 16)
    else:
        assert output.cluster_continuous is output.cluster_logits is output.fusion_logits is None
    if config.fingerprint:
        assert output.fingerprint.shape == (2, config.channels, *shape)
    else:
        assert output.fingerprint is None
    parsed = output.final()
    assert parsed.continuous.shape == (2, 9)
    sums = torch.stack(
        [p.sum(1) for p in torch.split(parsed.probabilities, list(config.n_classes), dim=1)]
    )
    torch.testing.assert_close(sums, torch.ones_like(sums))


def test_final_prediction_by_hand() -> None:
    third = torch.tensor(3.0).log()
    output = ParserOutput(
        fingerprint=None,
        cluster_continuous=torch.tensor([[0.25, 0.5]]),
        # One head of two classes and one of three, the first classes three times as likely.
        cluster_logits=torch.stack([third, third * 0, third, third * 0, third * 0])[None],
        deviation=torch.tensor([[0.5, -0.25]]),
        instance_logits=torch.zeros(1, 5),
        fusion_logits=torch.tensor([[0.0, 3.0]]).mul(torch.tensor([1.0, 1.0])),
        slots=ClassSlots((2, 3)),
    )
    parsed = output.final()
    torch.testing.assert_close(parsed.continuous, torch.tensor([[0.75, 0.25]]))
    p = 1 / (1 + torch.tensor(-3.0).exp().item())
    expected = [
        0.5 * 0.75 + 0.5 * 0.5,
        0.5 * 0.25 + 0.5 * 0.5,
        p * 0.6 + (1 - p) / 3,
        p * 0.2 + (1 - p) / 3,
        p * 0.2 + (1 - p) / 3,
    ]
    torch.testing.assert_close(parsed.probabilities, torch.tensor([expected]))


def test_one_parser_says_the_values_themselves() -> None:
    output = ModelParser(SMALL.model_copy(update={"parsers": 1})).eval()(torch.rand(2, 3, 16, 16))
    parsed = output.final()
    torch.testing.assert_close(parsed.continuous, output.deviation)
    torch.testing.assert_close(parsed.probabilities, output.slots.softmax(output.instance_logits))


def test_configuration_of_json() -> None:
    config = SMALL.model_copy(update={"n_classes": (4, 5, *(2,) * 14)})
    again = ParserConfig(**json.loads(json.dumps(config.to_dict())))
    assert again == config
    assert hash(again) == hash(config)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"parsers": 3}, "parsers=3 cannot be: Input should be 1 or 2"),
        ({"fen_depth": "deep"}, "fen_depth='deep' cannot be: Input should be a valid integer"),
        ({"fen_depth": 3.0}, "fen_depth=3.0"),
        ({"fen_depth": 1}, "fen_depth=1 cannot be: Input should be greater than or equal to 2"),
        ({"fingerprint": 1}, "fingerprint=1 cannot be: Input should be a valid boolean"),
        ({"trunk_widths": 4}, r"trunk_widths=4 .* default is \[32, 64"),
        ({"trunk_widths": [4, "x"]}, r"trunk_widths=\[4, 'x'\] .* valid integer"),
        ({"trunk_widths": []}, "trunk_widths=.* at least 1 item"),
        ({"dropout": "high"}, "dropout='high' cannot be: Input should be a valid number"),
    ],
)
def test_configurations_that_cannot_be(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        ParserConfig(**settings)


def test_the_defaults_are_the_papers() -> None:
    network = ModelParser()
    assert len(network.slots.n_classes) == 16
    assert network.slots.total == 38
    assert (network.config.fen_depth, network.config.fen_width) == (17, 64)
