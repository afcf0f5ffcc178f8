import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from fixture_scores import scores_saying
from fixture_stores import settings as store_settings
from fixture_stores import smooth_flow, write_stored_clip
from PIL import Image

from flowfeat.benchmarks.record import BenchmarkRecord, Measured
from flowfeat.errors import InputError
from flowfeat.estimators import EstimatorDescription
from flowfeat.store import FlowStore
from recognition.report.contents import make_report, worst_confusions
from recognition.report.csv_files import clips_csv, scores_csv
from recognition.report.page import EntryPictures, html_page
from recognition.report.pictures import accuracy_picture, classes_picture, confusion_picture, title_of
from recognition.report.published import PUBLISHED_UCF101
from recognition.report.tables import markdown, summary_tables
from recognition.report.thumbnails import confusion_thumbnails
from recognition.report.write import write_report

LABELS, SAID = [0, 0, 0, 1, 1, 2], [0, 1, 1, 1, 2, 2]


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "action")]

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def store(tmp_path) -> Path:
    for place, clip in enumerate(scores_saying(SAID, LABELS).clips[:5]):
        write_stored_clip(tmp_path / "store", f"x/{clip}", store_settings(frames=True), smooth_flow(4, seed=place))
    return tmp_path / "store"


def test_the_folder_holds_every_number_and_picture(tmp_path, store):
    fingerprint = store_settings(frames=True).fingerprint
    scores = scores_saying(SAID, LABELS, store=str(store), fingerprint=fingerprint, missing=2)
    report = make_report([(Path("flow.npz"), scores)])
    written = write_report(report, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "classes.csv",
        "clips.csv",
        "flow.classes.png",
        "flow.confusion.csv",
        "flow.confusion.png",
        "flow.mistakes.jpg",
        "index.html",
        "report.json",
        "report.md",
        "scores.csv",
    ]
    # The only clip of JumpRope that is right is not in the store.
    assert written.absent == (scores.clips[5],)
    assert written.without_thumbnails == {}
    told = json.loads((tmp_path / "out/report.json").read_text())
    assert (told["accuracy"], told["clips"], told["missing"]) == (0.5, 6, 2)
    assert told["mean_class_accuracy"] == pytest.approx((1 / 3 + 1 / 2 + 1) / 3)
    assert told["files"][0]["confusion"] == [[1, 2, 0], [0, 1, 1], [0, 0, 1]]
    rows = list(csv.reader((tmp_path / "out/flow.confusion.csv").open()))
    assert rows[1] == ["BabyCrawling", "1", "2", "0"]
    for name in ("flow.confusion.png", "flow.classes.png", "flow.mistakes.jpg"):
        picture = np.array(Image.open(tmp_path / "out" / name).convert("L"))
        assert min(picture.shape) > 200
        assert picture.std() > 10
    page = Links()
    page.feed((tmp_path / "out/index.html").read_text())
    assert page.tags.count("img") == 3
    assert all(address.startswith("data:image/") for address in page.addresses)
    assert not {"script", "link", "iframe"} & set(page.tags)
    assert "url(" not in (tmp_path / "out/index.html").read_text()
    assert "2 clips of the split missing" in page.text


def test_names_are_text_and_never_html(tmp_path):
    evil = "<script>alert(1)</script>"
    scores = scores_saying([1, 0], [0, 1], [evil, "a|b"], clips=("<b>&", "x"), dataset=evil, part_of=evil)
    report = make_report([(Path(f"{evil[:8]}.npz"), scores)])
    page = html_page(report, {entry.name: EntryPictures(b"", b"", None) for entry in report.entries})
    parsed = Links()
    parsed.feed(page)
    assert not {"script", "b"} & set(parsed.tags)
    assert evil in parsed.text
    assert "<b>&" in parsed.text
    text = markdown(report)
    assert "<" not in text
    rows = [line for line in text.splitlines() if "a\\|b" in line]
    assert rows
    assert all(len(re.findall(r"(?<!\\)\|", row)) >= 6 for row in rows)
    assert "/" not in report.entries[0].name


def test_published_numbers_stand_beside_ours_with_protocol_and_mark():
    text = markdown(make_report([(Path("a.npz"), scores_saying(SAID, LABELS))]))
    (flownet2,) = [line for line in text.splitlines() if "| 79.51 (memory) |" in line]
    assert flownet2.startswith("| temporal | FlowNet2")
    assert "which accuracy is not stated" in flownet2
    assert text.count("(memory) |") == 3
    assert re.search(r"\| spatial \| VGG-16 \| 79.8 \|  \| 1 \| .* very deep two-stream", text)
    assert re.search(r"\| spatial \| VGG-16 \| 78.4 \(memory\) \|  \| mean of 3 \|", text)
    assert re.search(r"\| temporal \| CNN-M-2048 \| 81.0 \|  \| 1 \| L = 10, from scratch", text)
    assert re.search(r"\| fused \| BN-Inception, TSN \|  \| 93.5 \| 1 \|", text)
    assert "| temporal | ours, a | 50.0 | 61.1 | 1 |" in text
    assert "79.51" not in markdown(make_report([(Path("a.npz"), scores_saying(SAID, LABELS, dataset="HMDB51"))]))
    assert {row.system for row in PUBLISHED_UCF101 if row.memory} == {
        "LDOF, temporal stream of 2014",
        "FlowNet2, temporal stream of 2014",
        "VGG-16",
    }


def test_confusions_begin_with_the_most_frequent_and_the_surest():
    labels = [0, 0, 0, 1, 1, 1, 2]
    sure = scores_saying([1, 1, 0, 2, 1, 1, 2], labels, sure=0.6)
    sure.scores[1] = (0.05, 0.9, 0.05)
    first, second = worst_confusions(sure)
    assert (first.true, first.said, first.of) == ("BabyCrawling", "JumpingJack", 3)
    assert [answer.clip for answer in first.clips] == [sure.clips[1], sure.clips[0]]
    assert [answer.sure for answer in first.clips] == pytest.approx([0.9, 0.6])
    assert first.right is not None
    assert (first.right.clip, first.right.sure) == (sure.clips[4], pytest.approx(0.6))
    assert (second.true, second.said, len(second.clips)) == ("JumpingJack", "JumpRope", 1)
    assert worst_confusions(scores_saying([0, 1], [0, 1])) == ()


def test_splits_and_seeds_of_one_method_have_their_means_and_same_clips_are_compared():
    splits = [(Path(f"s{k}.npz"), scores_saying([0] * k + [1] * (4 - k), [0] * 4, split=k)) for k in (1, 2, 3)]
    report = make_report(splits)
    (found,) = report.split_means
    assert (found.method, found.stream) == ("temporal, quick, resnet18, dis, 3x1, seed 0", "temporal")
    assert found.mean.accuracy.mean == pytest.approx(0.5)
    assert "| temporal | ours | 50.0 ± 25.0 | 50.0 ± 25.0 | mean of 3 |" in markdown(report)
    seeds = [(Path(f"{k}/a.npz"), scores_saying([0] * k + [1] * (4 - k), [0] * 4, seed=k)) for k in (0, 2)]
    report = make_report(seeds)
    assert [entry.name for entry in report.entries] == ["0-a", "2-a"]
    (mean,) = report.seed_means
    assert (mean.seeds, mean.accuracy.mean) == ((0, 2), 0.25)
    assert mean.accuracy.spread == pytest.approx(0.5 / 2**0.5)
    assert report.split_means == ()
    (pair,) = report.comparisons
    assert (pair.first, pair.second, pair.test.only_second) == ("0-a", "2-a", 2)
    with pytest.raises(InputError, match="different data sets, HMDB51, UCF101"):
        make_report([*seeds, (Path("h.npz"), scores_saying([0], [0], dataset="HMDB51"))])


def test_every_clip_is_in_the_table_with_its_rank():
    report = make_report([(Path("a.npz"), scores_saying(SAID, LABELS))])
    rows = list(csv.DictReader(io.StringIO(clips_csv(report))))
    assert [row["said"] for row in rows[:2]] == ["BabyCrawling", "JumpingJack"]
    assert [row["rank_of_class"] for row in rows[:2]] == ["1", "2"]
    assert sum(row["class"] == row["said"] for row in rows) / len(rows) == 0.5
    (row,) = csv.DictReader(io.StringIO(scores_csv(report)))
    assert float(row["accuracy"]) == 0.5


def test_confusions_without_a_store_are_told_and_another_store_is_refused(tmp_path, store):
    gone = make_report([(Path("a.npz"), scores_saying(SAID, LABELS, store=str(tmp_path / "gone")))])
    written = write_report(gone, tmp_path / "out")
    assert "there is no such store; give it with --store" in written.without_thumbnails["a"]
    assert not (tmp_path / "out/a.mistakes.jpg").exists()
    other = make_report([(Path("a.npz"), scores_saying(SAID, LABELS, fingerprint="0" * 64))])
    with pytest.raises(InputError, match="store: this store is not the one that a was tested on"):
        write_report(other, tmp_path / "out", store)


def test_thumbnails_are_frames_and_flow_in_a_row_for_each_confusion(store, monkeypatch):
    from recognition.report import thumbnails

    captions = []
    drawn = thumbnails.contact_sheet
    monkeypatch.setattr(
        thumbnails,
        "contact_sheet",
        lambda rows, **others: captions.append([[p.caption for p in row] for row in rows]) or drawn(rows, **others),
    )
    scores = scores_saying(SAID, LABELS)
    confusions = worst_confusions(scores)
    found = confusion_thumbnails(confusions, FlowStore(store))
    assert found.sheet is not None
    # Two mistakes and one that is right, each 360 pixels wide; the other class's clip is not in the store.
    assert 3 * 360 < found.sheet.shape[1] < 4 * 360
    ((*mistaken, right), (other,)) = captions[0]
    assert mistaken[0].startswith(f"BabyCrawling, taken for JumpingJack\n{scores.clips[1]}, 80 % sure\nfield ")
    assert mistaken[1].startswith(f"BabyCrawling, taken for JumpingJack\n{scores.clips[2]}, 80 % sure\nfield ")
    assert right.startswith(f"JumpingJack, recognised\n{scores.clips[3]}, 80 % sure\nfield ")
    assert other.startswith("JumpingJack, taken for JumpRope\n")
    assert found.absent == (scores.clips[5],)


def test_a_baseline_has_its_place():
    files = [
        (Path("net.npz"), scores_saying([0, 0, 0, 1], [0, 0, 0, 0])),
        (Path("base.npz"), scores_saying([0, 1, 1, 1], [0] * 4, stream="HOF, SVM", preset=None, seed=None)),
        (Path("elsewhere.npz"), scores_saying([0, 1], [0, 1])),
    ]
    report = make_report(files)
    overview = summary_tables(report)[0]
    above = overview.head.index("above baseline")
    assert [row[above] for row in overview.rows] == ["+50.0", "", ""]
    assert overview.marked == {1}
    (beside,) = [table for table in summary_tables(report) if table.title.startswith("Published")]
    assert beside.rows[0][:3] == ("baseline", "ours, base", "25.0")
    assert [row[0] for row in beside.rows[1:3]] == ["temporal", "temporal"]
    assert beside.marked == {0, 1, 2}
    alone = summary_tables(make_report(files[:1]))[0]
    assert "above baseline" not in alone.head


def test_seeds_are_one_row_beside_published_ones_and_pairs_of_other_seeds_are_left_to_the_json():
    files = [
        (Path(f"{stream}{seed}.npz"), scores_saying([0, 1, seed, 1], [0, 0, 0, 0], stream=stream, seed=seed))
        for stream in ("temporal", "spatial")
        for seed in (0, 1)
    ]
    report = make_report(files)
    text = markdown(report)
    assert "| temporal | ours, mean of 2 seeds | 37.5 ± 17.7 | 37.5 ± 17.7 | 1 |" in text
    assert "ours, temporal0" not in text
    (table,) = [table for table in summary_tables(report) if table.title.startswith("Do two")]
    assert [row[:2] for row in table.rows] == [("temporal0", "spatial0"), ("temporal1", "spatial1")]
    assert "4 pairs of different seeds are in report.json" in table.note
    assert len(report.comparisons) == 6


def test_validation_scores_are_not_beside_published_ones():
    held = scores_saying([0], [0], part="validation")
    report = make_report([(Path("held.npz"), held)])
    (beside,) = [table for table in summary_tables(report) if table.title.startswith("Published")]
    assert not beside.marked
    assert "held: of validation clips, not of the test." in report.remarks


def test_what_holds_for_every_file_is_told_once():
    files = [(Path(f"{name}.npz"), scores_saying([0, 1], [0, 1], missing=3, part_of="UCF101 split 1")) for name in "ab"]
    remarks = make_report(files).remarks
    assert remarks[0].startswith("All files: of a part of UCF101 split 1 alone")
    assert remarks[1].startswith("All files: 3 clips of the split missing")
    assert all(remark.startswith("All files") for remark in remarks[:2])
    files.append((Path("c.npz"), scores_saying([0, 1], [0, 1])))
    remarks = make_report(files).remarks
    assert remarks[0].startswith("a, b: of a part")
    assert remarks[1].startswith("a, b: 3 clips")


@pytest.mark.parametrize("length", [8, 70])
def test_names_of_classes_are_never_cut(length):
    classes = [f"{name * length}"[:length] for name in "abc"]
    (entry,) = make_report([(Path("a.npz"), scores_saying([0, 1, 1], [0, 1, 2], classes))]).entries
    confusion = confusion_picture(title_of(entry), entry.scores.classes, entry.evaluation.confusion)
    for drawn in (confusion, classes_picture(entry), accuracy_picture([entry, entry])):
        picture = np.array(Image.open(io.BytesIO(drawn)).convert("L"))
        # Nothing reaches the edge, as cut text would.
        assert all((edge > 200).all() for edge in (picture[0], picture[-1], picture[:, 0], picture[:, -1]))
        assert picture.std() > 10


def record(model: str, **columns: float) -> BenchmarkRecord:
    measured = Measured(EstimatorDescription(model, "none", {}, None), "cpu", 2.5, dict(columns), 10.0, ())
    return BenchmarkRecord("sintel", "train", "clean", (measured,), (), {}, {}, {}, {}, "2026-01-01")


def test_errors_of_the_flow_stand_beside_accuracy():
    files = [
        (Path("a.npz"), scores_saying(SAID, LABELS)),
        (Path("b.npz"), scores_saying(SAID, LABELS, stream="spatial", flow=None)),
    ]
    report = make_report(files, [record("dis", **{"edges": 7.125, "s0-1": 0.25}), record("dis")])
    text = markdown(report)
    assert "| a | dis | 50.0 | sintel train clean | 2.500 | 7.125 | 0.250 |" in text
    assert "| a | dis | 50.0 | sintel train clean | 2.500 |  |  |" in text
    assert "| b | " not in text.split("Errors of the flow")[1].split("##")[0]
    assert "A lower endpoint error is not a better classifier" in text
    with pytest.raises(InputError, match="of tvl1 on sintel, and no score file is of its flow \\(dis\\)"):
        make_report(files, [record("tvl1")])
