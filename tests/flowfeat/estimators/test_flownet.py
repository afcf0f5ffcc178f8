"""The family behind the protocol of estimators."""

from pathlib import Path

import jaxtyping
import numpy as np
import pytest
import torch
from fixture_checkpoints import small_weights, write_caffemodel, write_pickle

from flowfeat.errors import InputError
from flowfeat.estimators import load_estimator, model_entries
from flowfeat.networks.zoo import FAMILY


@pytest.fixture(scope="module")
def fused(data, tmp_path_factory) -> Path:
    """A whole FlowNet2 of 1/16 of the width, in NVIDIA's form."""
    path = tmp_path_factory.mktemp("weights") / "FlowNet2_checkpoint.pth.tar"
    return write_pickle(path, small_weights(data, "nv_flownet2", 16))


def pairs(count: int, height: int = 60, width: int = 70) -> torch.Tensor:
    draw = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, 2, 3, height, width), generator=draw, dtype=torch.uint8)


def test_without_a_model_the_file_says_which_network_it_is(fused):
    estimator = load_estimator(weights=fused, device="cpu")
    assert estimator.description.model == "flownet2@0.0625"
    assert estimator.description.parameters == {"profile": "nvidia", "precision": "float32"}
    assert len(estimator.description.weights_sha256) == 64
    named = load_estimator("flownet2@0.0625", fused, "cpu")
    assert named.description == estimator.description
    flow = estimator(pairs(2))
    assert flow.shape == (2, 2, 60, 70)
    assert torch.equal(flow, named(pairs(2)))


def test_a_pair_does_not_depend_on_who_else_is_in_the_batch(fused):
    estimator = load_estimator(weights=fused, device="cpu")
    together = estimator(pairs(5))
    for number, pair in enumerate(pairs(5)):
        assert torch.equal(estimator(pair[None])[0], together[number])


def test_the_network_is_a_torch_module_of_floats(fused):
    network = load_estimator(weights=fused, device="cpu").network
    frames = (pairs(1).float() / 255).requires_grad_()
    network(frames).sum().backward()
    assert frames.grad.abs().sum() > 0
    with torch.inference_mode():
        flow = load_estimator(weights=fused, device="cpu")(pairs(1))
        # Both are as far from float64 on these frames of noise, 2e-4 px: sums are taken in other orders.
        torch.testing.assert_close(network(frames), flow, rtol=0, atol=5e-4)


def test_weights_that_are_changed_change_the_flow(fused):
    estimator = load_estimator(weights=fused, device="cpu")
    before = estimator(pairs(1))
    layer = estimator.network.network.fusion.refinement.predict_flow0
    with torch.no_grad():
        layer.bias += 1.0
    after = estimator(pairs(1))
    assert not torch.equal(before, after)
    with torch.inference_mode():
        torch.testing.assert_close(after, estimator.network(pairs(1).float() / 255), rtol=0, atol=5e-4)
    estimator.network.load_state_dict(load_estimator(weights=fused, device="cpu").network.state_dict())
    assert torch.equal(estimator(pairs(1)), before)


def test_profiles_change_the_flow_and_the_description(fused):
    own = load_estimator(weights=fused, device="cpu")
    with pytest.warns(UserWarning, match="no mean colours"):
        authors = load_estimator(weights=fused, device="cpu", profile="lmb")
    assert authors.description.parameters == {"profile": "lmb", "precision": "float32"}
    assert (own(pairs(1)) - authors(pairs(1))).abs().max() > 1e-3


def test_variational_refinement_goes_on_top(fused):
    pytest.importorskip("cv2")
    refined = load_estimator("flownet2@0.0625+v", fused, "cpu")
    assert refined.description.model == "flownet2@0.0625+v"
    assert refined(pairs(1)).shape == (1, 2, 60, 70)


@pytest.mark.parametrize(
    ("model", "profile", "told"),
    [
        ("flownet2-CS", None, "these are weights of flownet2@0.0625 (in it flownet2-CSS-ft-sd@0.0625, "),
        ("flownet2", None, "and not of flownet2; give a file of flownet2, or name what is in this one"),
        ("flownet2-SS@0.0625", None, "and not of flownet2-SS@0.0625; give a file of flownet2-SS@0.0625"),
        ("flownet2@0.0625", "caffe", "there is no profile called 'caffe'; there are lmb, nvidia, mmflow, flownet1"),
        ("flownet2@wide", None, "there is no model called 'flownet2@wide'"),
        ("dis", None, "the model dis has no weights; leave --weights"),
    ],
)
def test_what_does_not_fit_together_is_told(fused, model, profile, told):
    with pytest.raises(InputError) as caught:
        load_estimator(model, fused, "cpu", profile=profile)
    assert told in str(caught.value)


def test_a_network_within_the_files_is_taken_out_of_it(fused):
    whole = load_estimator(weights=fused, device="cpu")
    stages = whole.stages(pairs(1))
    for letters, name in (("CSS", "CSS-ft-sd"), ("CS", "CS"), ("C", "C"), ("SD", "SD")):
        part = load_estimator(f"flownet2-{name}@0.0625", fused, "cpu")
        assert torch.equal(part(pairs(1)), stages[letters]), "what it computes within the whole, in pixels"
        assert part.description.model == f"flownet2-{name}@0.0625"
        assert part.description.weights_sha256 == whole.description.weights_sha256


def test_weights_and_profiles_are_asked_for_where_they_belong():
    with pytest.raises(InputError, match="the model flownet2-CS has no weights in this package: give a file with"):
        load_estimator("flownet2-CS", device="cpu")
    with pytest.raises(InputError, match="the model zero has no profiles; leave --profile lmb out"):
        load_estimator("zero", device="cpu", profile="lmb")


def test_every_network_of_the_family_can_be_named():
    entries = model_entries()
    assert all(entries[name].composition == FAMILY[name] and entries[name].takes_weights for name in FAMILY)


def test_the_authors_thin_networks_run_from_their_files(data, tmp_path):
    from fixture_checkpoints import oracle_weights

    path = write_caffemodel(tmp_path / "FlowNet2-ss_weights.caffemodel", oracle_weights(data, "lmb_FlowNet2-ss"))
    estimator = load_estimator("flownet2-ss", path, "cpu")
    assert estimator.description.parameters == {"profile": "lmb", "precision": "float32"}
    assert np.isfinite(estimator(pairs(1)).numpy()).all()


def test_the_callers_precision_is_put_back_when_the_last_device_is_done():
    from flowfeat.estimators.flownet import _FULL_PRECISION

    def settings() -> tuple[str, str, bool]:
        backends = torch.backends
        return backends.cudnn.conv.fp32_precision, backends.cuda.matmul.fp32_precision, backends.cudnn.deterministic

    before = settings()
    with _FULL_PRECISION:
        assert settings() == ("ieee", "ieee", True)
        with _FULL_PRECISION:
            pass
        assert settings() == ("ieee", "ieee", True)
    assert settings() == before
    with pytest.raises(RuntimeError, match="on the way"), _FULL_PRECISION:
        raise RuntimeError("on the way")
    assert settings() == before


def test_flow_can_be_changed_and_used_in_a_loss(fused):
    flow = load_estimator(weights=fused, device="cpu")(pairs(1))
    flow.mul_(2)
    weight = torch.ones(1, requires_grad=True)
    (weight * flow).sum().backward()
    assert weight.grad == flow.sum()


def test_no_pairs_have_no_flow(fused):
    for model in (None, "zero"):
        estimator = load_estimator(model, fused if model is None else None, "cpu")
        assert estimator(pairs(0)).shape == (0, 2, 60, 70)


def test_stages_of_a_batch_end_with_the_flow_itself(fused):
    estimator = load_estimator(weights=fused, device="cpu")
    assert torch.equal(estimator.stages(pairs(3))["fused"], estimator(pairs(3)))


def test_the_network_refuses_frames_of_integers(fused):
    network = load_estimator(weights=fused, device="cpu").network
    jaxtyping.config.update("jaxtyping_disable", True)  # what a user gets, who has no shape checks
    try:
        _refused(network)
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)


def _refused(network) -> None:
    with pytest.raises(TypeError, match=r"a network takes frames as floats in 0\.\.1, not torch\.uint8"):
        network.prepare(pairs(1))


def test_a_device_without_memory_is_a_sentence(fused, monkeypatch):
    estimator = load_estimator(weights=fused, device="cpu")
    fault = RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")
    monkeypatch.setattr(estimator, "estimate", lambda frames, pairs: (_ for _ in ()).throw(fault))
    with pytest.raises(InputError, match="the device cpu has no memory for the flow of 2 pairs of 70x60"):
        estimator(pairs(2))


def test_flow_does_not_depend_on_the_number_of_threads(fused):
    before = torch.get_num_threads()
    flows = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            flows.append(load_estimator(weights=fused, device="cpu")(pairs(5)))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert torch.equal(flows[0], flows[1])
    assert torch.equal(flows[0], flows[2])


def test_a_pair_alone_has_the_flow_that_it_has_in_a_batch(fused, monkeypatch):
    """All threads on one pair: equal but for the last bits, and no thread of a batch's pool."""
    estimator = load_estimator(weights=fused, device="cpu")
    (flow,) = estimator(pairs(1))
    monkeypatch.setattr("flowfeat.estimators.flownet.ThreadPoolExecutor", None)
    torch.testing.assert_close(estimator.alone(pairs(1)[0]), flow, rtol=0, atol=5e-4)
