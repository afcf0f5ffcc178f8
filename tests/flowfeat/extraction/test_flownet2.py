"""FlowNet2 on real clips: the bytes of a clip's file do not depend on how the work was cut."""

import hashlib
from pathlib import Path

import av
import pytest
from fixture_checkpoints import small_weights, write_pickle

from flowfeat.extraction import ExtractionOptions, extract
from flowfeat.store import FlowStore
from flowfeat.store.verify import verify


@pytest.fixture(scope="module")
def weights(data, tmp_path_factory) -> Path:
    """A whole FlowNet2, stack, small displacements and fusion, at 1/16 of the width."""
    path = tmp_path_factory.mktemp("weights") / "FlowNet2_checkpoint.pth.tar"
    return write_pickle(path, small_weights(data, "nv_flownet2", 16))


@pytest.fixture(scope="module")
def clips(data, tmp_path_factory) -> list[Path]:
    """The first frames of a real clip of each of four classes, their packets as they are: 8, 11, 14 and 17."""
    folder = tmp_path_factory.mktemp("clips")
    classes = sorted(path for path in (data / "ucf101/UCF-101").iterdir() if path.is_dir())[:4]
    return [_beginning(min(one.glob("*.avi")), folder, 8 + 3 * number) for number, one in enumerate(classes)]


def _beginning(clip: Path, folder: Path, packets: int) -> Path:
    with av.open(str(clip)) as source, av.open(str(folder / clip.name), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(source.demux(video=0)):
            if number == packets:
                break
            packet.stream = stream
            target.mux(packet)
    return folder / clip.name


def hashes(store: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in store.rglob("*.safetensors")}


def test_bytes_do_not_depend_on_batch_neighbours_or_where_a_run_was_cut(tmp_path, weights, clips):
    def run(out: str, of: list[Path], **changed) -> dict[str, str]:
        options = ExtractionOptions(
            out=tmp_path / out, weights=weights, encoding="float16", resize="90x120", device="cpu", **changed
        )
        report = extract(of, options)
        assert report.complete
        return hashes(tmp_path / out)

    whole = run("whole", clips)
    assert len(whole) == 4
    assert run("batches", clips, batch=5, workers=1) == whole
    alone = [run(f"alone{number}", [clip]) for number, clip in enumerate(clips)]
    assert {name: digest for one in alone for name, digest in one.items()} == whole
    # Cut after two clips, and one of those lost: the second run makes the others.
    run("cut", clips[:2], batch=3)
    FlowStore(tmp_path / "cut")[clips[0].stem].path.unlink()
    assert run("cut", clips, batch=7) == whole
    assert verify(tmp_path / "cut").clean
    header = FlowStore(tmp_path / "whole")[clips[0].stem].header
    assert header.settings.weights_sha256 == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert header.settings.parameters == {"profile": "nvidia", "precision": "float32"}
