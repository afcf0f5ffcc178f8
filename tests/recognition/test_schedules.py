import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from flowfeat.errors import InputError
from recognition.networks import build_network
from recognition.networks.first_layer import first_convolution
from recognition.networks.partial_batch_norm import begin_training, freeze_batch_norms
from recognition.schedules import (
    TSN_SPATIAL,
    TSN_TEMPORAL,
    TWO_STREAM_FINE,
    TWO_STREAM_SCRATCH,
    Optimiser,
    Schedule,
    build_optimiser,
    set_rate,
)


@pytest.mark.parametrize(
    ("schedule", "iterations", "rates"),
    [
        (
            TWO_STREAM_SCRATCH,
            80_000,
            {0: 1e-2, 49_999: 1e-2, 50_000: 1e-3, 69_999: 1e-3, 70_000: 1e-4, 79_999: 1e-4},
        ),
        (TWO_STREAM_FINE, 20_000, {0: 1e-2, 13_999: 1e-2, 14_000: 1e-3, 19_999: 1e-3}),
        (TSN_TEMPORAL, 20_000, {0: 5e-3, 11_999: 5e-3, 12_000: 5e-4, 18_000: 5e-5, 19_999: 5e-5}),
        (TSN_SPATIAL, 4_500, {0: 1e-3, 1_999: 1e-3, 2_000: 1e-4, 4_000: 1e-5, 4_499: 1e-5}),
    ],
)
def test_published_rates(schedule: Schedule, iterations: int, rates: dict[int, float]):
    assert schedule.iterations == iterations
    for step, rate in rates.items():
        assert schedule.at(step) == pytest.approx(rate, rel=1e-12)


def test_a_cosine_rises_and_falls_to_nothing():
    schedule = Schedule(iterations=100, rate=1.0, warm_up=10, shape="cosine")
    rates = [schedule.at(step) for step in range(101)]
    assert rates[0] < rates[5] < rates[9] > rates[50] > rates[99] > rates[100] == 0
    assert rates[50] == pytest.approx(0.5)


@given(st.integers(1, 400_000), st.floats(0, 0.999))
def test_a_schedule_in_other_steps_has_the_same_rates_at_the_same_share(iterations: int, share: float):
    schedule = TWO_STREAM_SCRATCH.in_steps(iterations)
    assert schedule.iterations == iterations
    step = int(share * iterations)
    before = TWO_STREAM_SCRATCH.at(int(step / iterations * 80_000))
    place = step / iterations
    if min(abs(place - 50 / 80), abs(place - 70 / 80)) * iterations > 1:
        assert schedule.at(step) == before


def test_a_schedule_has_a_step():
    with pytest.raises(InputError, match="0 steps"):
        TSN_TEMPORAL.in_steps(0)


def test_the_first_layer_and_biases_learn_and_decay_as_in_tsn():
    network = build_network("bn-inception", 10, 5, 0.7)
    freeze_batch_norms(network)
    settings = Optimiser(weight_decay=5e-4, first_layer_rate=5.0, bias_rate=2.0, decay_biases=False)
    optimiser = build_optimiser(network, settings)
    set_rate(optimiser, 0.1)
    rates = {parameter: group for group in optimiser.param_groups for parameter in group["params"]}
    assert set(rates) == {parameter for parameter in network.parameters() if parameter.requires_grad}
    first, last = first_convolution(network), network.fc
    assert isinstance(last, nn.Linear)
    first_norm = network.get_submodule("conv1_7x7_s2.bn")
    expected = {
        first.weight: (0.5, 5e-4),
        first.bias: (1.0, 0.0),
        last.weight: (0.1, 5e-4),
        last.bias: (0.2, 0.0),
        first_norm.weight: (0.1, 0.0),
        first_norm.bias: (0.1, 0.0),
    }
    for parameter, (rate, decay) in expected.items():
        group = rates[parameter]
        assert (group["lr"], group["weight_decay"], group["momentum"]) == (pytest.approx(rate), decay, 0.9)


def test_without_factors_all_parameters_are_one_group():
    network = build_network("small-vgg", 4, 3, 0.5)
    (group,) = build_optimiser(network, Optimiser(weight_decay=1e-4)).param_groups
    assert len(group["params"]) == len(list(network.parameters()))
    assert (group["rate_factor"], group["weight_decay"]) == (1.0, 1e-4)


def test_partial_batch_norm_keeps_all_statistics_but_the_first():
    torch.manual_seed(0)
    network = build_network("small-vgg", 4, 3, 0.5)
    freeze_batch_norms(network)
    begin_training(network, partial_batch_norm=True)
    norms = {name: m for name, m in network.named_modules() if isinstance(m, nn.BatchNorm2d)}
    before = {
        name: (m.running_mean.clone(), m.weight.clone()) for name, m in norms.items() if m.running_mean is not None
    }
    optimiser = build_optimiser(network, Optimiser(weight_decay=0.1))
    set_rate(optimiser, 0.1)
    network(3 + torch.randn(2, 4, 32, 32)).square().sum().backward()
    optimiser.step()
    for name, norm in norms.items():
        assert norm.running_mean is not None
        mean, scale = before[name]
        kept = torch.equal(norm.running_mean, mean) and torch.equal(norm.weight, scale)
        assert kept == (name != "features.1")
    begin_training(network, partial_batch_norm=False)
    assert all(norm.training for norm in norms.values())
