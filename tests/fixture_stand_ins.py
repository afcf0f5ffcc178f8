"""What the documentation calls UCF-101, FBMS, DAVIS, holiday.mp4 and so on: the real ones, cut short and made small."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
from fixture_checkpoints import small_weights, write_hdf5, write_pickle
from fixture_datasets import flying_chairs_tree, kitti_tree, sintel_tree
from fixture_formats import write_definition
from PIL import Image

from flowfeat.extraction import ExtractionOptions, extract
from flowfeat.formats import read_flow, write_flow
from flowfeat.store import FlowStore
from flowfeat.store.layouts import export_store
from flowfeat.weights import read_checkpoint, write_checkpoint
from segmentation.formats import Definition, read_definition, write_label_map
from segmentation.runs.run import RunOptions, run_segmentation
from segmentation.runs.sources import SourceChoice

_CLIP_FRAMES, _LONG_CLIP_FRAMES, _VIDEO_FRAMES, _SHOT_FRAMES, _MASK_FRAMES = 4, 23, 12, 10, 4
_GROUPS = ("g01", "g08", "g15")
"""Of UCF101: each of the three splits tests on another of them."""
_LONG = ("v_JumpingJack_g01_c01", "v_Punch_g01_c01")
"""Clips out of whose middle pages read."""
_OWN_CLASSES = ("JumpingJack", "Lunges", "Punch")
_EVERY = 6
"""Of the pixels of a shot, every so many."""
_NARROW = 32
"""Networks of the published checkpoints' names have this part of their channels."""


def write_stand_ins(folder: Path, data: Path) -> None:
    """Write all that the pages take for given. What their commands make is not among it, but for `_results`."""
    _ucf101(folder, data / "ucf101")
    _own_videos(folder, data / "ucf101/UCF-101")
    _fbms(folder / "FBMS", data / "segmentation/FBMS/Testset/cars1")
    _davis(folder / "DAVIS", data / "segmentation/DAVIS", ("car-shadow", "blackswan"))
    _middlebury(folder / "middlebury", data / "flow/middlebury")
    for number in (10, 11):
        shutil.copy(folder / f"middlebury/other-data/Venus/frame{number}.png", folder)
    sintel_tree(folder / "MPI-Sintel", (64, 64))
    kitti_tree(folder / "data_scene_flow", "image_2", (64, 64))
    flying_chairs_tree(folder / "FlyingChairs_release", (64, 64))
    _weights(folder, data)
    _results(folder)
    _others(folder)


def _ucf101(folder: Path, source: Path) -> None:
    """Three clips of each of the classes that are there, and the official lists cut down to them."""
    kept = []
    for of_class in sorted((source / "UCF-101").iterdir()):
        for group in _GROUPS:
            name = f"v_{of_class.name}_{group}_c01"
            frames = _LONG_CLIP_FRAMES if name in _LONG else _CLIP_FRAMES
            path = folder / f"UCF-101/{of_class.name}/{name}.avi"
            _shorten(min(of_class.glob(f"*_{group}_*.avi")), path, frames, 80)
            kept.append(f"{of_class.name}/{path.name}")
    lists, official = folder / "ucfTrainTestlist", source / "ucfTrainTestlist"
    lists.mkdir()
    classes = sorted({name.partition("/")[0] for name in kept})
    numbers = {name: number for number, name in enumerate(classes, 1)}
    (lists / "classInd.txt").write_text("".join(f"{number} {name}\n" for name, number in numbers.items()))
    for path in official.glob("*list0?.txt"):
        names = [line.split()[0] for line in path.read_text().splitlines() if line.strip()]
        label = {name: f" {numbers[name.partition('/')[0]]}" if "train" in path.stem else "" for name in kept}
        (lists / path.name).write_text("".join(f"{name}{label[name]}\n" for name in names if name in label))


def _own_videos(folder: Path, clips: Path) -> None:
    for name in _OWN_CLASSES:
        for clip in sorted((clips / name).glob("*.avi"))[:3]:
            _shorten(clip, folder / "clips" / name / f"{clip.stem}.mp4", _CLIP_FRAMES, 80)
    _shorten(min((clips / "Lunges").glob("*.avi")), folder / "holiday.mp4", _VIDEO_FRAMES, 112)


def _shorten(clip: Path, path: Path, frames: int, width: int) -> None:
    """The first frames of a clip, made narrower, as MPEG-4."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(clip)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = width, width * 3 // 4, "yuv420p"
        for frame, _ in zip(source.decode(video=0), range(frames), strict=False):
            pixels = frame.reformat(stream.width, stream.height, format="rgb24").to_ndarray()
            for packet in stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")):
                target.mux(packet)
        for packet in stream.encode():
            target.mux(packet)


def _fbms(root: Path, cars1: Path) -> None:
    """The first frames of cars1 as a shot of the test set; mirrored in two ways, as two shots of the training set."""
    definition = read_definition(cars1 / "GroundTruth/cars1Def.dat")
    annotations = definition.annotations[:1]
    mirrors = {"Testset/cars1": (), "Trainingset/cars2": (1,), "Trainingset/cars3": (0,)}
    for place, axes in mirrors.items():
        shot = root / place
        (shot / "GroundTruth").mkdir(parents=True)
        for number, frame in enumerate(sorted(cars1.glob("*.ppm"))[:_SHOT_FRAMES], 1):
            Image.fromarray(_smaller(frame, axes)).save(shot / f"{shot.name}_{number:02d}.ppm")
        truth = cars1 / "GroundTruth" / annotations[0].truth
        Image.fromarray(_smaller(truth, axes)).save(shot / "GroundTruth" / truth.name)
        of_shot = Definition(definition.regions, _SHOT_FRAMES, annotations)
        write_definition(shot / f"GroundTruth/{shot.name}Def.dat", of_shot)
    for file in (root / "Testset/cars1/GroundTruth").iterdir():
        shutil.copy(file, root.parent)


def _smaller(picture: Path, axes: tuple[int, ...]) -> np.ndarray:
    """Every so many pixels of a picture of frames or labels, mirrored."""
    with Image.open(picture) as image:
        return np.ascontiguousarray(np.flip(np.asarray(image)[::_EVERY, ::_EVERY], axes))


def _davis(root: Path, source: Path, names: Sequence[str]) -> None:
    for name in names:
        for frame in range(_MASK_FRAMES):
            for kind, ending in (("JPEGImages", "jpg"), ("Annotations", "png")):
                path = root / kind / "480p" / name / f"{frame:05d}.{ending}"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(_smaller(source / path.relative_to(root), ())).save(path)
            objects = root / "Annotations_unsupervised/480p" / name / path.name
            objects.parent.mkdir(parents=True, exist_ok=True)
            write_label_map(objects, _smaller(source / path.relative_to(root), ()) > 0)


def _middlebury(root: Path, source: Path) -> None:
    """A corner of each pair."""
    for scene in sorted(path.name for path in (source / "other-data").iterdir()):
        for number in (10, 11):
            path = root / f"other-data/{scene}/frame{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            with Image.open(source / path.relative_to(root)) as image:
                Image.fromarray(np.asarray(image)[:64, :96]).save(path)
        truth = root / f"other-gt-flow/{scene}/flow10.flo"
        truth.parent.mkdir(parents=True, exist_ok=True)
        field = read_flow(source / truth.relative_to(root))
        write_flow(truth, field.flow[:, :64, :96], None if field.valid is None else field.valid[:64, :96])


def _weights(folder: Path, data: Path) -> None:
    """Checkpoints under the published names and in their formats, of narrow networks with the oracle's weights."""
    whole = write_pickle(folder / "FlowNet2_checkpoint.pth.tar", small_weights(data, "nv_flownet2", _NARROW))
    write_pickle(folder / "flownet2cs.pth", small_weights(data, "mm_flownet2cs", _NARROW), meta={"seed": 0})
    write_hdf5(folder / "FlowNet2_weights.caffemodel.h5", small_weights(data, "lmb_FlowNet2", _NARROW))
    for name in ("flownet2", "flownet2-thin"):
        write_checkpoint(read_checkpoint(whole), folder / f"{name}.safetensors")


def _results(folder: Path) -> None:
    """Somebody's results, which pages about scores begin with: of `segmentation run`, and masks alone."""
    for name in ("RESULT", "RESULT_A", "RESULT_B"):
        flow = SourceChoice("dis" if name != "RESULT_B" else "zero", None, None, None, "cpu")
        record = run_segmentation(folder / "FBMS/Testset", RunOptions(folder / name, flow, workers=1))
        assert not record.totals.failed
    shutil.copy(folder / "RESULT/tracks/cars1/tracks.dat", folder / "Tracks10.dat")
    truth = folder / "DAVIS/Annotations_unsupervised/480p"
    for name, shift in (("masks", 1), ("masks_a", 2), ("masks_b", 3)):
        for path in sorted(truth.rglob("*.png")):
            with Image.open(path) as labels:
                moved = np.roll(np.asarray(labels), shift, axis=1)
            target = folder / name / path.relative_to(truth)
            target.parent.mkdir(parents=True, exist_ok=True)
            write_label_map(target, moved)
    for regions in (folder / "FBMS").glob("*/*/GroundTruth/cars1_01.pgm"):
        with Image.open(regions) as picture:
            grey = np.asarray(picture)
        shot = folder / "masks" / regions.parents[1].name
        shot.mkdir()
        for frame in range(_SHOT_FRAMES):
            write_label_map(shot / f"{frame:05d}.png", np.searchsorted(np.unique(grey), grey))


def _others(folder: Path) -> None:
    """What other tools left behind: JPEGs of flow in two layouts, arrays of float64, frames as pictures."""
    store = folder / "store"
    extract([folder / "UCF-101"], ExtractionOptions(out=store, model="dis", frames=True, workers=1))
    for layout, name in (("mmaction2", "their-rawframes"), ("tsn", "their-tsn-flow")):
        export_store(store, layout, folder / name)
        (folder / name / "manifest.json").unlink()
    arrays, clip = folder / "output/raft", FlowStore(store)["v_Lunges_g01_c01"]
    arrays.mkdir(parents=True)
    np.save(arrays / "v_Lunges_g01_c01_raft.npy", clip.read(0, clip.header.pairs).numpy().astype(np.float64))
    (folder / "frames").mkdir()
    for number, picture in enumerate(clip.read_frames(0, 3).permute(0, 2, 3, 1).numpy()):
        Image.fromarray(picture).save(folder / f"frames/{number:05d}.png")
    shutil.rmtree(store)
