from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from gmbench.errors import NetworkError
from gmbench.models.heads import ClassSlots
from gmbench.models.parsing import ModelParser, ParserConfig, ParserOutput
from tests.models.fake_targets import SMALL

VARIANTS = {
    "two parsers": SMALL,
    "one parser": replace(SMALL, parsers=1),
    "no fingerprint network": replace(SMALL, fingerprint=False),
    "grey, more classes": replace(SMALL, channels=1, n_classes=(4, 5, *(2,) * 14)),
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
    output = ModelParser(replace(SMALL, parsers=1)).eval()(torch.rand(2, 3, 16, 16))
    parsed = output.final()
    torch.testing.assert_close(parsed.continuous, output.deviation)
    torch.testing.assert_close(parsed.probabilities, output.slots.softmax(output.instance_logits))


@pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS)
def test_saving_and_loading_changes_no_bit(
    config: ParserConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    network = ModelParser(config)
    images = torch.rand(4, config.channels, 16, 16)
    network(images)  # so that running means are not those of a new network
    network.eval().save_pretrained(tmp_path)
    loaded = ModelParser.from_pretrained(tmp_path)
    assert loaded.config == config
    assert not loaded.training
    weights, expected = loaded.state_dict(), network.state_dict()
    assert weights.keys() == expected.keys()
    assert all(torch.equal(weights[name], expected[name]) for name in expected)
    before, after = network(images).final(), loaded(images).final()
    assert torch.equal(before.continuous, after.continuous)
    assert torch.equal(before.probabilities, after.probabilities)
    # A command's output may be JSON.
    assert capsys.readouterr().out == ""
    loaded.save_pretrained(tmp_path / "again")
    again = (tmp_path / "again" / "config.json").read_text()
    assert again == (tmp_path / "config.json").read_text()
    assert set(json.loads(again)) == set(config.to_json())


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    ModelParser(SMALL).save_pretrained(tmp_path)
    path = tmp_path / "model.safetensors"
    weights = load_file(path)
    weights.pop("instance.0.bias")
    save_file(weights, path)
    with pytest.raises(RuntimeError, match=r"instance\.0\.bias"):
        ModelParser.from_pretrained(tmp_path)


def test_configuration_of_json() -> None:
    config = replace(SMALL, n_classes=(4, 5, *(2,) * 14))
    again = ParserConfig.of(json.loads(json.dumps(config.to_json())))
    assert again == config
    assert hash(again) == hash(config)
    assert ParserConfig.of(None) == ParserConfig()
    assert ModelParser(config.to_json()).config == config


def test_configurations_that_cannot_be() -> None:
    with pytest.raises(NetworkError, match="ParserConfig has no colour, depth"):
        ParserConfig.of({"depth": 3, "colour": 1, "parsers": 1})
    with pytest.raises(NetworkError, match="1 or 2 parsers, not 3"):
        ParserConfig(parsers=3)
    with pytest.raises(NetworkError, match="at least one width"):
        ModelParser(ParserConfig(trunk_widths=()))


def test_the_defaults_are_the_papers() -> None:
    network = ModelParser()
    assert len(network.slots.n_classes) == 16
    assert network.slots.total == 38
    assert (network.config.fen_depth, network.config.fen_width) == (17, 64)
