"""What can learn, learns eight pairs by heart: in each network of the thin family, end to end through `train`."""

import pytest

from flowfeat.training import train


@pytest.mark.parametrize(
    ("model", "steps", "rest"),
    [
        ("flownet2-s", 160, ""),
        ("flownet2-c", 160, ""),
        ("flownet2-sd", 160, ""),
        ("flownet2-cs", 160, '[train]\nnet1 = 0\nnet2 = 0\n[loss]\nnetworks = ["net1", "net2"]\n'),
    ],
)
def test_eight_pairs_are_learnt(model, steps, rest, few_objects, tmp_path, write_configuration):
    path = write_configuration(
        model, steps, rate=1e-3, every=steps // 4, pairs=8, rest='initial = "structured"\n' + rest
    )
    trainer = train(path, tmp_path / "run", {"flyingchairs": few_objects})
    assert trainer.best is not None
    assert trainer.best < 0.5, f"{trainer.best:.3f} px"
