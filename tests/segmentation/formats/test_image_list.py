import pytest
from fixture_formats import write_image_list
from hypothesis import given, settings
from hypothesis import strategies as st

from flowfeat.errors import FormatError, InputError
from segmentation.formats import listed_images, read_image_list

_names = st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), min_size=1, max_size=12)


@pytest.mark.parametrize("text", ["2 1\na.ppm\nb.ppm\n", "2 1\r\na.ppm\r\nb.ppm", "2\t1 \n a.ppm\nb.ppm \n\n"])
def test_a_list_is_read(tmp_path, text):
    (tmp_path / "a.bmf").write_bytes(text.encode())
    assert read_image_list(tmp_path / "a.bmf") == ("a.ppm", "b.ppm")


@given(st.lists(_names, max_size=5))
@settings(max_examples=15, derandomize=True)
def test_what_is_written_is_read(tmp_path_factory, names):
    path = tmp_path_factory.mktemp("list") / "a.bmf"
    write_image_list(path, names)
    assert read_image_list(path) == tuple(names)
    assert path.read_text(encoding="utf-8").startswith(f"{len(names)} 1\n")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the first line should be the number of images and a 1, and is ''"),
        ("a.ppm\nb.ppm\n", "and is 'a.ppm'"),
        ("2\na\nb\n", "and is '2'"),
        ("3 1\na\nb\n", "promises 3 images and 2 are named"),
        ("1 1\na\nb\n", "promises 1 images and 2 are named"),
    ],
)
def test_a_bad_list_is_told_in_one_sentence(tmp_path, text, told):
    (tmp_path / "a.bmf").write_text(text)
    with pytest.raises(FormatError, match=told):
        read_image_list(tmp_path / "a.bmf")


def test_pictures_are_found_with_another_ending(tmp_path):
    write_image_list(tmp_path / "a.bmf", ["one.ppm", "two.ppm"])
    (tmp_path / "one.ppm").touch()
    (tmp_path / "two.jpg").touch()
    assert listed_images(tmp_path / "a.bmf") == [tmp_path / "one.ppm", tmp_path / "two.jpg"]
    (tmp_path / "two.jpg").unlink()
    with pytest.raises(InputError, match=r"two\.ppm: .*a\.bmf names it and it is not there"):
        listed_images(tmp_path / "a.bmf")
