from flowfeat.wording import counted


def test_one_thing_and_several():
    assert [counted(number, "clip") for number in (0, 1, 2)] == ["0 clips", "1 clip", "2 clips"]
    assert [counted(number, "class", "classes") for number in (1, 8)] == ["1 class", "8 classes"]
