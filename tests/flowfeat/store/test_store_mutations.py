"""1,000 mutations of every kind of file a store holds: the right flow, or one sentence that names the file."""

import resource
import sys
from pathlib import Path

import pytest
import torch
from fixture_mutations import mutated
from fixture_stores import settings, smooth_flow, write_stored_clip

from flowfeat.errors import StoreError
from flowfeat.store import FlowStore, StoredClip
from flowfeat.store.records import new_run_file, runs_of_store, settings_of_store, write_run
from flowfeat.store.verify import verify

MUTATIONS = 1000


@pytest.mark.parametrize("encoding", ["jpeg", "uint8", "float16"])
def test_mutated_clips(tmp_path, encoding):
    of = settings(encoding, backward=True, frames=True)
    write_stored_clip(tmp_path, "v", of, smooth_flow(3, 16, 24), smooth_flow(3, 16, 24, seed=1))
    path = tmp_path / "v.safetensors"
    data = path.read_bytes()
    expected = StoredClip(path).read()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused = 0
    for seed in range(MUTATIONS):
        path.write_bytes(mutated(data, seed, 3000))
        try:
            clip = StoredClip(path)
            flow = clip.read()
            clip.read(direction="backward")
            clip.read_frames()
        except StoreError as fault:
            assert str(path) in str(fault)
            assert "\n" not in str(fault)
            refused += 1
        else:
            assert flow.shape[1:] == expected.shape[1:]
        # Whatever reading lets pass, as a pixel changed in place, verification must find.
        if seed % 10 == 0 and path.read_bytes() != data:
            faults = verify(tmp_path).faults
            assert list(faults) == ["v"] or torch.equal(StoredClip(path).read(), expected), seed
    assert refused > MUTATIONS / 2
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < (500 << (10 if sys.platform == "linux" else 20))


def test_mutated_settings_and_run_records(tmp_path):
    write_stored_clip(tmp_path, "v", settings(), smooth_flow(2, 16, 24))
    run = new_run_file(tmp_path)
    write_run(run, {"planned": ["v"], "failed": {}, "state": "finished"})
    readers = [
        (tmp_path / "store.json", lambda: settings_of_store(tmp_path)),
        (run, lambda: list(runs_of_store(tmp_path))),
    ]
    for path, read in readers:
        data = path.read_bytes()
        refused = 0
        for seed in range(MUTATIONS):
            path.write_bytes(mutated(data, seed, len(data)))
            try:
                read()
            except StoreError as fault:
                assert str(path) in str(fault)
                assert "\n" not in str(fault)
                refused += 1
        assert refused > MUTATIONS / 4
        path.write_bytes(data)


def test_nonsense_names_are_no_clips(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "outside.safetensors").write_bytes(b"x")
    for name in ("", ".", "..", "a\0b", "x" * 5000):
        with pytest.raises((KeyError, StoreError)):
            FlowStore(tmp_path / "store")[name]
    assert Path(tmp_path / "outside.safetensors").exists()
