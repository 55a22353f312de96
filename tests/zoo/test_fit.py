"""The training loop of all kinds."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch
from torch import nn

from gmbench.zoo.kinds.fit import Schedule, descend, fit


def line(batch_norm: bool = False) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1) if batch_norm else nn.Identity())


def test_step_sizes_rise_and_fall() -> None:
    schedule = Schedule(rate=1.0, warm_up=0.2, cool_down=0.5)
    shares = [schedule.share(step, 10) for step in range(10)]
    assert shares == pytest.approx([0.5, 1, 1, 1, 1, 1, 0.8, 0.6, 0.4, 0.2])
    plain = Schedule(rate=1.0, warm_up=0.0, cool_down=0.0)
    assert {plain.share(step, 10) for step in range(10)} == {1.0}


def test_it_lowers_the_objective_and_tells_how() -> None:
    network = line()
    x = torch.linspace(-1, 1, 8)[:, None]
    found, history = fit(network, lambda: (network(x) - 3 * x).pow(2).mean(), 200, Schedule(0.1))
    assert len(history) == 200
    assert history[-1] < 1e-3 < history[0]
    assert not found.training
    assert not any(weight.requires_grad for weight in found.parameters())


def test_the_running_mean_lags_behind_and_is_what_samples() -> None:
    network = line()
    x = torch.ones(4, 1)
    start = network(x).detach()
    average, _ = fit(network, lambda: -network(x).mean(), 20, Schedule(0.1, memory=0.9))
    assert average is not network
    assert bool((start < average(x)).all())
    assert bool((average(x) < network(x)).all())


def test_partners_are_trained_and_opponents_keep_step() -> None:
    network, partner, opponent = line(), line(), line()
    before = [weight.clone() for weight in partner.parameters()]
    adam = torch.optim.Adam(opponent.parameters(), lr=0.5)
    rates = []

    def objective() -> torch.Tensor:
        rates.append(adam.param_groups[0]["lr"])
        x = torch.ones(4, 1)
        value: torch.Tensor = (network(x) + partner(x) - 1).pow(2).mean()
        return value

    schedule = Schedule(0.1, warm_up=0.5, cool_down=0.5)
    fit(network, objective, 4, schedule, partners=[partner], opponents=[adam])
    assert not any(map(torch.equal, partner.parameters(), before))
    assert rates == pytest.approx([0.25, 0.5, 0.5, 0.25])


def test_an_opponents_step_takes_its_gradients_afresh() -> None:
    weight = nn.Parameter(torch.tensor(1.0))
    for _ in range(2):
        descend(torch.optim.SGD([weight], lr=0.25), weight.square())
    assert float(weight) == 0.25


def test_batch_statistics_are_taken_anew() -> None:
    network = line(batch_norm=True)
    inputs = torch.arange(8.0)[:, None]
    found, _ = fit(
        network, lambda: network(inputs).sum(), 0, Schedule(0.1), draw_inputs=lambda: (inputs,)
    )
    with torch.no_grad():
        assert abs(float(found(inputs).mean())) < 1e-5


def test_gradients_return_through_a_dead_nonlinearity() -> None:
    def trained(last: str) -> float:
        network = nn.Sequential(nn.Linear(1, 1), nn.ReLU())
        for weight in network.parameters():
            nn.init.constant_(weight, -1.0)
        x = torch.ones(4, 1)
        fit(network, lambda: (network(x) - 1).pow(2).mean(), 100, Schedule(0.1), last=last)
        return float(network(x).mean())

    assert trained("") == 0.0
    assert trained("relu") > 0.5
