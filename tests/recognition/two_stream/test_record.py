import pytest
from fixture_two_classes import tiny

from flowfeat.errors import FormatError
from recognition.fusion import FittedWeights
from recognition.two_stream import TwoStreamOptions
from recognition.two_stream.record import ExperimentFolder, Session, checksum


@pytest.fixture
def session(tmp_path):
    options = TwoStreamOptions(store=tmp_path, annotations=tmp_path, presets=(tiny(), tiny(stream="spatial")))
    return Session("2026-01-02T03:04:05+00:00", options, "cpu", 1, {"torch": "2"}, {"cores": 2, "gpu": None})


def test_a_part_stands_while_it_and_what_it_is_made_of_are_the_same(tmp_path, session):
    file = tmp_path / "split1/a.npz"
    file.parent.mkdir()
    file.write_bytes(b"scores")
    folder = ExperimentFolder(tmp_path)
    assert not folder.stands("split1/a.npz", {"clips": "1"}), "that it exists is not enough"
    fitted = FittedWeights((0.25, 0.75), 8, 0.5, (0.25, 0.5))
    folder.keep("split1/a.npz", file, {"clips": "1"}, 0.5, session, fitted)
    for known in (folder, ExperimentFolder(tmp_path)):
        assert known.stands("split1/a.npz", {"clips": "1"})
        assert not known.stands("split1/a.npz", {"clips": "2"})
        assert not known.stands("split1/a.npz", {})
        assert known.record.parts["split1/a.npz"].fitted == fitted
        assert known.record.sessions == (session,)
    file.write_bytes(b"Scores")
    assert not folder.stands("split1/a.npz", {"clips": "1"})
    file.unlink()
    assert not folder.stands("split1/a.npz", {"clips": "1"})


def test_sessions_are_named_once_and_parts_are_replaced(tmp_path, session):
    (tmp_path / "a").write_text("a")
    folder = ExperimentFolder(tmp_path)
    for seconds in (1.0, 2.0):
        folder.keep("a", tmp_path / "a", {}, seconds, session)
    record = ExperimentFolder(tmp_path).record
    assert (len(record.sessions), record.parts["a"].seconds, record.parts["a"].session) == (1, 2.0, 0)


def test_a_folder_is_the_names_and_contents_of_its_files(tmp_path):
    folder = tmp_path / "report"
    (folder / "in").mkdir(parents=True)
    (folder / "a").write_text("1")
    (folder / "in/b").write_text("2")
    first = checksum(folder)
    assert first == checksum(folder)
    (folder / "in/b").rename(folder / "in/c")
    renamed = checksum(folder)
    (folder / "in/c").write_text("3")
    assert len({first, renamed, checksum(folder)}) == 3
    assert checksum(tmp_path / "none") is None


def test_a_damaged_record_says_what_to_do(tmp_path):
    for text in ("{", '{"schema": 1}', '{"schema": 1, "sessions": [], "parts": {"a": {}}}'):
        (tmp_path / "record.json").write_text(text)
        with pytest.raises(FormatError, match="remove it, and all but the runs is made again"):
            ExperimentFolder(tmp_path)
