"""What a network begins with when checkpoints are given."""

import torch

from flowfeat.training import train
from flowfeat.weights import read_checkpoint


def test_a_part_begins_as_the_whole_holds_it(chairs, tmp_path, write_configuration):
    """And of two checkpoints that bring the same network, the later one counts."""
    roots = {"flyingchairs": chairs}
    fusion = "[loss]\nweights = [0.3, 0.1, 0.1]"
    whole = train(write_configuration("flownet2@0.046875", 1, rest=fusion), tmp_path / "whole", roots)
    other = train(write_configuration("flownet2-CS@0.046875", 1, rest="seed = 5"), tmp_path / "other", roots)
    assert (whole.step, other.step) == (1, 1)
    files = [tmp_path / "whole/last.safetensors", tmp_path / "other/last.safetensors"]
    path = write_configuration("flownet2-CSS@0.046875", 1, rate=0.0, rest="copy_stage = true")
    train(path, tmp_path / "css", roots, files)
    css, held, cs = (read_checkpoint(f).tensors for f in (tmp_path / "css/last.safetensors", *files))
    for name, tensor in css.items():
        wanted = cs[name] if name in cs else held[f"stack.{name}"]
        assert torch.equal(tensor, wanted), name
    path = write_configuration("flownet2-SD@0.046875", 1, rate=0.0)
    train(path, tmp_path / "sd", roots, files[:1])
    for name, tensor in read_checkpoint(tmp_path / "sd/last.safetensors").tensors.items():
        assert torch.allclose(tensor, held[f"small_displacement.{name}"], rtol=1e-6), name
