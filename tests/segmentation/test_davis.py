import numpy as np
import pytest
from fixture_formats import write_label_maps

from flowfeat.errors import InputError
from segmentation.davis import MERGED, UNSUPERVISED, open_davis, scored_sequences


def _sequence(root, name, masks, frames=None, annotations=UNSUPERVISED):
    write_label_maps(root / annotations.folder / name, [np.eye(2, dtype=np.int32)] * masks)
    if frames is not None:
        folder = root / "JPEGImages/480p" / name
        folder.mkdir(parents=True)
        for index in range(frames):
            (folder / f"{index:05d}.jpg").touch()


def test_frames_and_masks_are_found_in_order(tmp_path):
    _sequence(tmp_path / "DAVIS", "bear", 3, 3)
    for root in (tmp_path, tmp_path / "DAVIS", tmp_path / "DAVIS/JPEGImages"):
        davis = open_davis(root)
        assert davis.filmed() == davis.annotated(UNSUPERVISED) == ["bear"]
        assert [path.name for path in davis.frames("bear")] == ["00000.jpg", "00001.jpg", "00002.jpg"]
        assert davis.masks("bear", UNSUPERVISED).names == ("00000", "00001", "00002")


def test_masks_need_no_frames_and_frames_no_masks(tmp_path):
    _sequence(tmp_path / "a", "bear", 2)
    assert len(open_davis(tmp_path / "a").masks("bear", UNSUPERVISED)) == 2
    (tmp_path / "b/JPEGImages/480p/bear").mkdir(parents=True)
    (tmp_path / "b/JPEGImages/480p/bear/00000.jpg").touch()
    assert len(open_davis(tmp_path / "b").frames("bear")) == 1


def test_the_validation_set_is_that_of_the_task(tmp_path):
    for name in ("bear", "camel", "dogs"):
        _sequence(tmp_path, name, 1)
        _sequence(tmp_path, name, 1, annotations=MERGED)
    davis = open_davis(tmp_path)
    assert davis.validation(UNSUPERVISED) == davis.validation(MERGED) == ["bear", "camel", "dogs"]
    for year, text in {"2017": "dogs\nbear\n\n", "2016": "camel\n"}.items():
        (tmp_path / "ImageSets" / year).mkdir(parents=True)
        (tmp_path / "ImageSets" / year / "val.txt").write_text(text)
    assert davis.validation(UNSUPERVISED) == ["dogs", "bear"]
    assert davis.validation(MERGED) == ["camel"]
    assert scored_sequences(davis, MERGED, ["bear", "bear"]) == ["bear"]
    with pytest.raises(InputError, match="no sequence is left to be scored"):
        scored_sequences(davis, MERGED, [])


def test_the_list_of_2016_names_frames(tmp_path):
    _sequence(tmp_path, "camel", 2, annotations=MERGED)
    (tmp_path / "ImageSets/480p").mkdir(parents=True)
    lines = [f"/JPEGImages/480p/camel/{i:05d}.jpg /Annotations/480p/camel/{i:05d}.png " for i in range(2)]
    (tmp_path / "ImageSets/480p/val.txt").write_text("\n".join(lines))
    assert open_davis(tmp_path).validation(MERGED) == ["camel"]


def test_a_broken_copy_is_told(tmp_path):
    with pytest.raises(InputError, match="DAVIS is neither here nor one folder"):
        open_davis(tmp_path)
    _sequence(tmp_path, "bear", 3, 4)
    davis = open_davis(tmp_path)
    with pytest.raises(InputError, match="bear: there are 3 masks for 4 frames in JPEGImages/480p/bear"):
        davis.masks("bear", UNSUPERVISED)
    with pytest.raises(InputError, match="wolf: there is no such sequence; masks are here for bear"):
        davis.masks("wolf", UNSUPERVISED)
    (tmp_path / UNSUPERVISED.folder / "bear/00001.png").unlink()
    with pytest.raises(InputError, match=r"bear/00001\.png: the frame is missing \(1 of 3 are\)"):
        davis.masks("bear", UNSUPERVISED)
    (tmp_path / "JPEGImages/480p/empty").mkdir()
    with pytest.raises(InputError, match=r"empty: there is no file here that is named like 00000\.jpg"):
        davis.frames("empty")
    (tmp_path / "ImageSets/2017").mkdir(parents=True)
    (tmp_path / "ImageSets/2017/val.txt").write_text("bear\nwolf\n")
    with pytest.raises(InputError, match=r"1 of the 2 sequences in this list have no masks .*, wolf first"):
        davis.validation(UNSUPERVISED)
    (tmp_path / MERGED.folder).mkdir(parents=True)
    with pytest.raises(InputError, match="there is no sequence here; unpack DAVIS again"):
        davis.validation(MERGED)


def test_the_real_sequences_have_a_mask_for_every_frame(data):
    davis = open_davis(data / "segmentation/DAVIS")
    lengths = {name: len(davis.masks(name, MERGED)) for name in davis.validation(MERGED)}
    assert lengths == {"blackswan": 50, "car-shadow": 40, "libby": 49}
    assert davis.filmed() == list(lengths)
