"""Both streams of a tiny preset, on a tiny data set."""

import pytest
from fixture_two_classes import TinyNetwork, tiny

import recognition.report.write
from recognition.presets import PRESETS, Preset, Views


def make_tiny(patch: pytest.MonkeyPatch, of: str = "quick", steps: int = 2, **spatial: object) -> tuple[Preset, ...]:
    """Make a preset called `tiny` and networks that learn in a moment; what is given more changes the spatial one."""
    patch.setattr("recognition.training.run.build_network", lambda name, c, n, *_: TinyNetwork(c, n))
    views = Views(stacks=1, crops=1)
    changes = {"initial": "scratch", "partial_batch_norm": False, "segments": 1, "views": views}
    presets = (
        tiny(of, steps=steps, name="tiny", **changes),
        tiny(of, stream="spatial", steps=steps, name="tiny", **{**changes, **spatial}),
    )
    patch.setitem(PRESETS, "tiny", presets)
    return presets


def draw_nothing(patch: pytest.MonkeyPatch) -> None:
    """Reports without pictures, which take a second for each score file."""
    for name in [name for name in vars(recognition.report.write) if name.endswith("_picture")]:
        patch.setattr(f"recognition.report.write.{name}", lambda *_: b"no picture")
