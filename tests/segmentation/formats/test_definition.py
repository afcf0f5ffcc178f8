import pytest
from fixture_formats import write_definition
from fixture_mutations import mutated
from hypothesis import given, settings
from hypothesis import strategies as st

from flowfeat.errors import FormatError
from segmentation.formats import Annotation, Definition, read_definition

TEXT = """Ground truth definition file; do not change!

Total number of regions:
2
Scale of region 0:
16777215
Scale of region 1:
255

Confusion penality matrix:
0 1
1 0

Total number of frames in this shot:
30
Total number of labeled frames for this shot:
2
Frame number:
0
File name:
001_gt.ppm
Input file name:
cats04_0001.ppm
Frame number:
19
File name:
020_gt.ppm
Input file name:
cats04_0020.ppm
"""
MEANT = Definition(
    (16777215, 255),
    30,
    (Annotation(0, "001_gt.ppm", "cats04_0001.ppm"), Annotation(19, "020_gt.ppm", "cats04_0020.ppm")),
)


@pytest.mark.parametrize(
    "text",
    [TEXT, TEXT.replace("\n", "\r\n"), TEXT.replace("\n", " \n"), TEXT.replace("\n\n", "\n"), TEXT + "\n\n", TEXT[:-1]],
)
def test_a_definition_in_the_official_words_is_read(tmp_path, text):
    (tmp_path / "a.dat").write_bytes(text.encode())
    assert read_definition(tmp_path / "a.dat") == MEANT


def test_what_is_written_follows_the_grammar_line_by_line(tmp_path):
    write_definition(tmp_path / "a.dat", MEANT)
    assert (tmp_path / "a.dat").read_text() == TEXT.replace("penality", "penalty")


def test_the_real_one_is_read(data):
    found = read_definition(data / "segmentation/FBMS/Testset/cars1/GroundTruth/cars1Def.dat")
    assert found == Definition((0, 128, 255), 19, (Annotation(0, "cars1_01.pgm", "cars1_01.ppm"),))


_names = st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1, max_size=12)
_annotations = st.lists(st.tuples(st.integers(0, 10**6), _names, _names), max_size=3)
_regions = st.lists(st.integers(0, 0xFFFFFF), min_size=1, max_size=5, unique=True)


@given(_regions, st.integers(1, 999), _annotations)
@settings(max_examples=15, derandomize=True)
def test_what_is_written_is_read(tmp_path_factory, regions, frames, annotations):
    path = tmp_path_factory.mktemp("definition") / "a.dat"
    definition = Definition(tuple(regions), frames, tuple(Annotation(*each) for each in annotations))
    write_definition(path, definition)
    assert read_definition(path) == definition


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (TEXT, "", "cut short: the title is missing"),
        ("cats04_0020.ppm\n", "", "cut short: the image of annotation 1 is missing"),
        (TEXT[TEXT.index("Total number of frames") :], "", "cut short: the label of the number of frames is missing"),
        ("regions:\n2", "regions:\n0", "line 4 should be the number of regions, a number from 1"),
        ("regions:\n2", "regions:\n2.5", "line 4 should be the number of regions"),
        ("255\n\n", "-255\n\n", "line 8 should be the code of region 1, a number from 0 upwards, and is '-255'"),
        ("16777215", "255", "two of the 2 regions have the same code"),
        ("\n19\n", "\n1e3\n", "should be the frame of annotation 1"),
        ("\n30\n", "\n99999999999999999999\n", "should be the number of frames"),
        ("shot:\n2\n", "shot:\n1\n", "comes after the last annotated frame: 'Frame number:'"),
    ],
)  # fmt: skip
def test_a_bad_file_is_told_in_one_sentence(tmp_path, old, new, told):
    (tmp_path / "a.dat").write_text(TEXT.replace(old, new, 1))
    with pytest.raises(FormatError) as caught:
        read_definition(tmp_path / "a.dat")
    assert told in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / 'a.dat'}: ")
    assert "\n" not in str(caught.value)


def test_damage_gives_a_definition_or_one_sentence(tmp_path):
    refused = 0
    for seed in range(200):
        (tmp_path / f"{seed}.dat").write_bytes(mutated(TEXT.encode(), seed))
        try:
            found = read_definition(tmp_path / f"{seed}.dat")
        except FormatError as error:
            refused += 1
            assert "\n" not in str(error)
        else:
            assert len(set(found.regions)) == len(found.regions) > 0
    assert 50 < refused < 200
