"""In which type networks compute: what may be asked for, what it costs, and that it is written down."""

import pytest
import torch

from flowfeat.errors import InputError
from flowfeat.estimators import load_estimator, precision
from flowfeat.estimators.precision import resolve_precision
from flowfeat.networks.packed import can_pack

CPU, GPU = torch.device("cpu"), torch.device("cuda")


def textured(count: int) -> torch.Tensor:
    """Frames that move by 3 pixels to the right and 2 down, of texture that the default weights can follow."""
    draw = torch.rand(count, 3, 34, 42, generator=torch.Generator().manual_seed(3))
    scene = torch.nn.functional.interpolate(draw, (136, 168), mode="bicubic").clamp(0, 1)
    return (255 * torch.stack([scene[..., 2:130, 3:163], scene[..., :128, :160]], 1)).byte()


def test_without_a_name_a_cpu_is_precise_and_a_gpu_fast():
    assert (resolve_precision(None, CPU), resolve_precision(None, GPU)) == ("float32", "float16")
    for name in ("float32", "float16", "bfloat16"):
        assert resolve_precision(name, GPU) == name


@pytest.mark.parametrize(
    ("name", "gains", "told"),
    [
        ("half", True, "no precision called 'half'; there are float32, float16, bfloat16"),
        ("float16", True, "float16 is for GPUs"),
        ("bfloat16", False, "this CPU is no faster with --precision bfloat16"),
    ],
)
def test_what_a_device_does_not_do_well_is_refused(monkeypatch, name, gains, told):
    monkeypatch.setattr(precision, "cpu_gains", lambda: gains)
    with pytest.raises(InputError, match=told):
        load_estimator(precision=name, device="cpu")


def test_a_method_of_one_precision_takes_no_other():
    with pytest.raises(InputError, match="the model zero has one precision; leave --precision float32 out"):
        load_estimator("zero", precision="float32", device="cpu")


def test_float32_is_what_a_cpu_does_in_any_case():
    asked, silent = load_estimator(precision="float32", device="cpu"), load_estimator(device="cpu")
    assert asked.description == silent.description
    assert torch.equal(asked(textured(1)), silent(textured(1)))


computes_in_half = pytest.mark.skipif(
    can_pack() and not torch.ops.mkldnn._is_mkldnn_bf16_supported(), reason="this processor has no AVX-512"
)


@computes_in_half
def test_bfloat16_is_a_little_off_and_says_so(monkeypatch):
    """Also where a processor computes it and does not gain."""
    monkeypatch.setattr(precision, "cpu_gains", lambda: True)
    estimator = load_estimator(precision="bfloat16", device="cpu")
    assert estimator.description.parameters["precision"] == "bfloat16"
    flow, precise = estimator(textured(2)), load_estimator(device="cpu")(textured(2))
    assert flow.dtype == torch.float32
    assert 0 < (flow - precise).norm(dim=1).mean() < 0.3 < precise.norm(dim=1).mean()
    assert torch.equal(estimator(textured(1)), flow[:1])


@computes_in_half
def test_weights_in_half_are_made_anew_when_the_network_changes(monkeypatch):
    monkeypatch.setattr(precision, "cpu_gains", lambda: True)
    estimator = load_estimator("flownet2-sd", precision="bfloat16", device="cpu")
    before = estimator(textured(1))
    with torch.no_grad():
        estimator.network.network.refinement.predict_flow2.bias.add_(1)
    assert (estimator(textured(1)) - before).mean() > 0.01
    assert next(estimator.network.parameters()).dtype == torch.float32
