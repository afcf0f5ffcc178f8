import json

import pytest
import torch
from torch import nn

from flowfeat.errors import FormatError
from flowfeat.training import state as module
from flowfeat.training.state import TrainingState, collect, read_state, restore, write_state


def _trained(steps: int, seed: int = 0, **options) -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, 3)).to(memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(
        [{"params": [network[0].weight]}, {"params": [network[1].weight, network[1].bias]}], lr=0.1, **options
    )
    _train(network, optimiser, steps)
    return network, optimiser


def _train(network: nn.Module, optimiser: torch.optim.Optimizer, steps: int) -> None:
    for _ in range(steps):
        optimiser.zero_grad()
        network(torch.randn(1, 3, 8, 8)).square().mean().backward()
        optimiser.step()


@pytest.mark.parametrize("fused", [False, True])
def test_a_run_goes_on_from_its_state_as_if_nothing_had_happened(tmp_path, fused):
    """Fused optimisers go through memory in its order, whatever the strides say."""
    network, optimiser = _trained(3, fused=fused)
    write_state(collect(network, optimiser, 3, 0.5), tmp_path / "state")
    _train(network, optimiser, 2)
    other, fresh = _trained(1, seed=9, fused=fused)
    state = read_state(tmp_path / "state")
    assert state is not None
    assert (state.step, state.best) == (3, 0.5)
    restore(state, other, fresh)
    _train(other, fresh, 2)
    for mine, theirs in zip(network.parameters(), other.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_pieces_are_no_larger_than_they_may_be_and_the_old_state_stays_until_the_new_one_is_whole(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(module, "PIECE", 1000)
    folder = tmp_path / "state"
    tensors = {"network.a": torch.arange(1000.0)}
    write_state(TrainingState(1, None, tensors), folder)
    assert max(path.stat().st_size for path in folder.glob("*.piece")) <= 1000
    assert len(list(folder.glob("*.piece"))) == 5

    def killed(path, data):
        if path.name.endswith("-002.piece"):
            raise KeyboardInterrupt
        return write(path, data)

    write = module.write_atomically
    monkeypatch.setattr(module, "write_atomically", killed)
    with pytest.raises(KeyboardInterrupt):
        write_state(TrainingState(2, 0.1, {"network.a": torch.zeros(1000)}), folder)
    old = read_state(folder)
    assert old is not None
    assert old.step == 1
    assert torch.equal(old.tensors["network.a"], tensors["network.a"])
    monkeypatch.setattr(module, "write_atomically", write)
    write_state(TrainingState(3, 0.1, tensors), folder)
    assert {path.name[:8] for path in folder.glob("*.piece")} == {"00000003"}


def test_damage_is_told(tmp_path):
    folder = tmp_path / "state"
    assert read_state(folder) is None
    write_state(TrainingState(1, None, {"network.a": torch.zeros(3)}), folder)
    piece = next(folder.glob("*.piece"))
    data = piece.read_bytes()
    piece.write_bytes(data[:-1] + b"x")
    with pytest.raises(FormatError, match=r"it is missing or damaged; remove .* to begin anew"):
        read_state(folder)
    piece.unlink()
    with pytest.raises(FormatError, match="missing or damaged"):
        read_state(folder)
    (folder / "state.json").write_text("{")
    with pytest.raises(FormatError, match=r"state.json: it is damaged"):
        read_state(folder)
    (folder / "state.json").write_text(json.dumps({"step": 1}))
    with pytest.raises(FormatError, match=r"state.json: it is damaged"):
        read_state(folder)


def test_a_state_of_another_network_is_refused():
    network, optimiser = _trained(1)
    state = collect(network, optimiser, 1, None)
    other = nn.Sequential(nn.Conv2d(3, 5, 3))
    with pytest.raises(ValueError, match="another network"):
        restore(state, other, torch.optim.Adam(other.parameters()))
