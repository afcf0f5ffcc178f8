"""A cluster of two nodes on this machine: the store of a local run, also where a node and an actor are lost."""

import hashlib
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fixture_clips import write_clip

from flowfeat.errors import InputError
from flowfeat.estimators import load_estimator
from flowfeat.extraction import ExtractionOptions, ExtractionReport, extract
from flowfeat.store.verify import verify

pytest.importorskip("cv2")
cluster_utils = pytest.importorskip("ray.cluster_utils")

_LIMIT = 240
_NODE = {"num_cpus": 1, "object_store_memory": 80 << 20, "include_dashboard": False}


class _TooLong(Exception):
    """A test that waits for a cluster has waited enough."""


@pytest.fixture(autouse=True)
def time_limit() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(_LIMIT)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def cluster() -> Iterator:
    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args=_NODE)
    cluster.add_node(**_NODE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ADDRESS", cluster.address)
        yield cluster
    cluster.shutdown()


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    for i in range(24):
        write_clip(folder / f"Class{i % 2}/v_{i:02d}.avi", frames=6 + i, seed=i)
    (folder / "Class1/v_broken.avi").write_bytes(b"no video at all")
    return folder


@pytest.fixture(scope="module")
def local(clips, tmp_path_factory) -> ExtractionReport:
    out = tmp_path_factory.mktemp("local") / "flow"
    return extract([clips], ExtractionOptions(out=out, model="dis", workers=1))


def _hashes(store: Path | str) -> dict[str, str]:
    return {
        path.relative_to(store).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in Path(store).rglob("*.safetensors")
    }


def _counts(report: ExtractionReport) -> dict[str, object]:
    names = ("clips", "done_before", "extracted", "failed", "redone", "pairs", "frames", "short", "invented_frames")
    return {name: getattr(report, name) for name in (*names, "gaps", "clipped_share", "bytes_written", "stopped")}


def _on_ray(out: Path) -> ExtractionOptions:
    return ExtractionOptions(out=out, model="dis", workers=1, engine="ray")


def test_two_nodes_make_the_store_of_one_machine(clips, local, cluster, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    seen = []
    report = extract([clips], _on_ray(Path("flow")), progress=seen.append)
    assert _counts(report) == _counts(local)
    assert list(report.failed) == ["Class1/v_broken"]
    assert _hashes(report.store) == _hashes(local.store)
    assert len(_hashes(local.store)) == 24
    assert len(seen) > 5
    assert (seen[-1].clips_done, seen[-1].clips_failed, seen[-1].bytes_done) == (24, 1, seen[-1].bytes)
    record = json.loads(Path(report.run_record).read_text())
    assert (record["engine"], record["nodes"], record["actors"]) == ("ray", 2, 2)
    again = extract([clips], _on_ray(Path("flow")))
    assert (again.extracted, again.done_before, again.failed) == (0, 24, local.failed)


def test_a_store_that_cannot_be_written_ends_the_run_with_the_sentence_of_a_local_one(clips, cluster, tmp_path):
    said = []
    for engine in ("local", "ray"):
        out = tmp_path / engine
        out.mkdir()
        (out / "Class0").write_text("a file where a folder has to be")
        options = ExtractionOptions(out=out, model="zero", workers=1, engine=engine)
        report = extract([clips], options)
        assert not report.complete
        said.append(str(report.stopped).split(": ", 1)[1])
    assert said[0] == said[1]
    assert "the store cannot be written" in said[0]


def test_a_lost_node_and_a_killed_actor_cost_nothing(clips, local, cluster, tmp_path):
    lost = []

    def lose(progress) -> None:
        if progress.clips_done and not lost:
            lost.append(progress.clips_done)
            (second,) = cluster.worker_nodes
            cluster.remove_node(second, allow_graceful=False)
            for actor in _actors(cluster.head_node):
                lost.append(actor)
                os.kill(actor, signal.SIGKILL)

    report = extract([clips], _on_ray(tmp_path / "flow"), progress=lose)
    assert len(lost) == 2, "no actor was at work when the node was lost: this test tests nothing"
    assert 0 < lost[0] < 12
    assert _counts(report) == _counts(local)
    assert _hashes(report.store) == _hashes(local.store)
    assert set(verify(tmp_path / "flow").faults) <= {"Class1/v_broken"}


def _actors(node) -> list[int]:
    """The processes of the node that extract."""
    raylet = node.all_processes["raylet"][0].process.pid
    threads = Path(f"/proc/{raylet}/task").iterdir()
    children = [child for thread in threads for child in (thread / "children").read_text().split()]
    return [int(child) for child in children if b"MapWorker" in Path(f"/proc/{child}/cmdline").read_bytes()]


def test_without_ray_it_says_what_to_install(clips, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setitem(sys.modules, "ray.data", None)
    with pytest.raises(InputError, match=r"--engine ray needs Ray: pip install 'flowfeat\[ray\]'"):
        extract([clips], _on_ray(tmp_path / "flow"))
    assert not (tmp_path / "flow").exists()


def test_a_cluster_that_does_not_answer_is_told(clips, tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "nonsense")
    with pytest.raises(InputError, match="no Ray cluster can be reached or started"):
        extract([clips], _on_ray(tmp_path / "flow"))
    assert not (tmp_path / "flow").exists()


def test_what_ray_decides_cannot_be_given(clips, tmp_path):
    with pytest.raises(InputError, match="Ray hands out the GPUs; leave --devices out"):
        ExtractionOptions(out=tmp_path, engine="ray", devices="0,1")
    with pytest.raises(InputError, match="its actors load their own estimators"):
        extract([clips], _on_ray(tmp_path / "flow"), [load_estimator("zero")])
