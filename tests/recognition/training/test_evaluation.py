import torch
from fixture_two_classes import tiny, write_two_classes
from torch import nn

from flowfeat.training.distributed import Processes
from recognition.presets import Views
from recognition.stacks import StackSettings, TestViews
from recognition.training.data import open_data
from recognition.training.evaluation import scores_of_views


class _Sums(nn.Module):
    """Three scores of an image, and how many images were given at a time."""

    def __init__(self):
        super().__init__()
        self.given: list[int] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.given.append(len(images))
        return torch.stack([images.mean((1, 2, 3)), images.amax((1, 2, 3)), images[:, 1].mean((1, 2))], 1)


def test_scores_are_the_mean_over_views(tmp_path):
    store, lists = write_two_classes(tmp_path)
    data = open_data(store, lists, 1, (), None, False)
    clips, told = data.clips("test"), []
    for averaged in ("softmax", "logits"):
        preset, network = tiny(averaged=averaged, views=Views(stacks=4, crops=10)), _Sums()
        views = TestViews(data.where, clips, StackSettings.of(preset), 4, 10)
        found = scores_of_views(
            network, views, preset, "fp32", Processes(torch.device("cpu")), 0, lambda *done: told.append(done)
        )
        for place in range(len(clips)):
            images = torch.cat([views[4 * place + stack][0] for stack in range(4)])
            scores = _Sums()(images)
            expected = (scores.softmax(1) if averaged == "softmax" else scores).mean(0)
            torch.testing.assert_close(found[place], expected)
        # 8 clips of 4 stacks of 10 crops: whole stacks, and what is over at the end is not filled up.
        assert network.given == [60, 60, 60, 60, 60, 20]
    assert told[-1] == (32, 32)
