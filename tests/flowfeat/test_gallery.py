"""Flow to look at, of clips that are given by themselves."""

import numpy as np
from fixture_clips import moving_texture
from PIL import Image

from flowfeat.estimators import load_estimator
from flowfeat.formats import write_flow
from flowfeat.gallery import show_video


def test_a_folder_with_a_dot_has_the_name_that_extract_gives_it(tmp_path):
    (tmp_path / "take.1").mkdir()
    for t, frame in enumerate(moving_texture(3, 24, 32)):
        Image.fromarray(frame).save(tmp_path / f"take.1/{t}.png")
    for t in range(2):
        write_flow(tmp_path / f"theirs/take.1/{t:05d}.flo", np.ones((2, 24, 32), np.float32))
    assert show_video(tmp_path / "take.1", load_estimator(f"files:{tmp_path / 'theirs'}"), tmp_path / "a.png") == 2
    assert (tmp_path / "a.png").stat().st_size > 1000
