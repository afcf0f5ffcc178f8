"""Label maps drawn over their frame."""

import numpy as np
import pytest

from flowfeat.errors import InputError
from segmentation.overlays import draw_masks, object_colours
from segmentation.overlays.colours import backdrop

FRAME = np.full((20, 30, 3), 100, np.uint8)


def _two_objects():
    labels = np.zeros((20, 30), np.int64)
    labels[4:16, 4:14] = 1
    labels[4:16, 14:24] = 2
    return labels


def test_objects_are_tinted_outlined_and_the_background_stays():
    labels = _two_objects()
    picture, bare = draw_masks(FRAME, labels), backdrop(FRAME)
    np.testing.assert_array_equal(picture[labels == 0], bare[labels == 0])
    # The edge has the full colour, also where two objects meet; inside it is mixed with the frame.
    for row, column, label in ((4, 8, 1), (9, 4, 1), (9, 13, 1), (9, 14, 2), (15, 20, 2)):
        assert picture[row, column].tolist() == object_colours(np.array(label)).tolist()
    inside = np.rint(0.55 * bare[9, 8] + 0.45 * object_colours(np.array(1)))
    assert picture[9, 8].tolist() == inside.tolist()


def test_what_does_not_count_is_striped():
    labels = np.zeros((20, 30), np.int64)
    labels[:, 20:] = -1
    picture, bare = draw_masks(FRAME, labels), backdrop(FRAME)
    np.testing.assert_array_equal(picture[:, :20], bare[:, :20])
    striped = (picture[:, 20:] != bare[:, 20:]).any(axis=2)
    assert 0.3 < striped.mean() < 0.45
    assert np.ptp(picture.astype(int), axis=2).max() == 0


def test_an_object_that_fills_the_frame_has_no_edge():
    picture = draw_masks(FRAME, np.ones((20, 30), np.int64))
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) == 1


def test_masks_of_another_size_have_their_sentence():
    with pytest.raises(InputError, match=r"labels of 20x30 pixels are not of this frame, which is 30x20"):
        draw_masks(FRAME, _two_objects().T)
