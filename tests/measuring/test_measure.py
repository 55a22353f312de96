"""What cannot be measured, and what the result of a measurement tells."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="measuring networks needs torch")

import torch
from torch import nn

from gmbench.errors import NetworkError
from gmbench.measuring.measure import measure
from tests.measuring import adversarial_networks
from tests.measuring.parts import NAMES, Call, latent


def test_not_a_network() -> None:
    with pytest.raises(NetworkError, match=r"type int is no torch\.nn\.Module"):
        measure(3, latent(1))  # type: ignore[arg-type]


def test_a_shape_that_does_not_fit() -> None:
    with pytest.raises(NetworkError) as caught:
        measure(nn.Linear(100, 3), torch.zeros(1, 64))
    assert str(caught.value) == (
        "The forward pass of Linear fails on (1, 64) float32: RuntimeError: mat1 and mat2 shapes "
        "cannot be multiplied (1x64 and 100x3). It takes (input). Shapes begin with the batch: "
        "(1, 100) for a latent, (1, 3, 64, 64) for an image."
    )


def test_a_forward_pass_without_a_signature() -> None:
    class BuiltIn(nn.Module):
        forward = staticmethod(torch.relu)

    with pytest.raises(NetworkError, match=r"BuiltIn fails on .*It takes \(\.\.\.\)"):
        measure(BuiltIn(), (latent(2), latent(2)))


def test_an_input_that_is_missing_or_of_another_dtype() -> None:
    with pytest.raises(NetworkError, match=r"It takes \(z, digit\). Give one input for each"):
        measure(adversarial_networks.ConditionalMLP(), latent(100))
    with pytest.raises(NetworkError, match="another dtype, such as int64"):
        measure(adversarial_networks.ConditionalMLP(), (latent(100), latent(1)))


def test_networks_that_cannot_be_looked_into() -> None:
    with pytest.raises(NetworkError, match=r"1 \(LazyLinear\) has no weights yet"):
        measure(nn.Sequential(nn.ReLU(), nn.LazyLinear(3)), latent(4))
    for lazy in (nn.LazyBatchNorm2d(affine=False), nn.LazyConv2d(3, 3)):
        with pytest.raises(NetworkError, match="has no weights yet"):
            measure(nn.Sequential(lazy), torch.zeros(1, 3, 4, 4))
    scripted = torch.jit.ScriptModule()
    with pytest.raises(NetworkError, match="TorchScript"):
        measure(nn.Sequential(scripted), latent(2))


def test_result() -> None:
    found = measure(adversarial_networks.dcgan(), latent(128))
    assert list(found.values) == list(found.evidence) == NAMES
    assert found.labels == tuple(found.values.values())
    assert found.evidence["layers"] == ("4 conv + 1 fc + 0 pool + 4 norm",)
    assert found.evidence["conv_layers"][0] == "4 (ConvTranspose2d): conv_transpose2d, 256 filters"
    assert found.evidence["layers_per_block"] == ("3 of 2",)
    assert found.evidence["parameters"][0] == f"0.weight: {128 * 8192:,}"
    counted = [name for name in NAMES if name.endswith("_layers")]
    assert all(len(found.evidence[name]) == found.values[name] for name in counted)
    assert len(found.evidence["blocks"]) == found.values["blocks"]
    assert str(found).splitlines()[9].split()[:2] == ["normalization", "batch"]
    assert len(found.rows(full=True)[1][2].splitlines()) == 4


def test_inputs_go_where_the_network_is() -> None:
    with torch.device("meta"):
        network = adversarial_networks.ConditionalMLP()
    example = (latent(100), torch.zeros(1, dtype=torch.int64))
    found = measure(network, example)
    assert found.values == measure(adversarial_networks.ConditionalMLP(), example).values
    assert found.warnings == ()
    assert {tensor.device.type for tensor in example} == {"cpu"}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_inputs_go_to_a_gpu() -> None:
    network = adversarial_networks.dcgan().cuda()
    before = torch.cuda.get_rng_state()
    found = measure(network, latent(128))
    assert found.values == measure(adversarial_networks.dcgan(), latent(128)).values
    assert torch.equal(torch.cuda.get_rng_state(), before)


def test_inputs_go_to_the_first_weight() -> None:
    """A network over several devices begins on that of its first weight."""
    network = nn.Sequential(nn.Linear(3, 4, device="meta"), Call(lambda x: torch.ones(1, 4)))
    network.append(nn.Linear(4, 2))
    assert measure(network, latent(3)).values["fc_layers"] == 2
