"""What is remembered of the flow, and what a source says of itself."""

import pytest
import torch

from flowfeat.errors import InputError
from segmentation.runs.sources import RememberedFlow, SourceChoice


def test_flow_is_remembered_coarsely():
    remembered, cpu = RememberedFlow(), torch.device("cpu")
    y, x = torch.meshgrid(torch.arange(37.0), torch.arange(50.0), indexing="ij")
    for scale in (1.0, 2.0):
        remembered.append(torch.stack([scale * (1 + 0.05 * x), scale * (2 - 0.1 * y)]))
    assert remembered.back(0, 37, 50, cpu) is None
    assert remembered.back(3, 37, 50, cpu) is None
    for frame, scale in ((1, 1.0), (2, 2.0)):
        back = remembered.back(frame, 37, 50, cpu)
        assert back is not None
        expected = torch.stack([scale * (1 + 0.05 * x), scale * (2 - 0.1 * y)])
        # Blocks of four pixels at the border are cut off, and half precision has eleven bits.
        assert (back - expected).abs().max() < 0.3 * scale
    assert sum(field.numel() * field.element_size() for field in remembered.fields) == 2 * 2 * 10 * 13 * 2


def test_one_source_is_enough(tmp_path):
    with pytest.raises(InputError, match="--model and --tracks say where tracks come from each"):
        SourceChoice(weights=tmp_path / "w", tracks=tmp_path / "t")
    assert [str(SourceChoice()), str(SourceChoice("dis"))] == ["default", "dis"]
    with pytest.raises(InputError, match="this is no store of flow"):
        SourceChoice(store=tmp_path, device="cpu").open(1)
    with pytest.raises(InputError, match="there is no model called 'nobody'"):
        SourceChoice("nobody", device="cpu").open(1)


def test_a_network_has_the_processors_for_itself():
    assert SourceChoice(device="cpu").open(1).network
    assert not SourceChoice("zero", device="cpu").open(1).network
