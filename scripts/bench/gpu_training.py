"""The renderer, training steps, the tracker and dense masks: what else runs on the device."""

from collections.abc import Callable
from typing import Any

import numpy as np
from gpu_setting import Parts, Setting, middle, missing
from rendering import NETWORKS, PAIRS, learning, rendering

from flowfeat.rendering import SETTINGS


def measure_training(setting: Setting) -> Parts:
    """Pairs a second rendered, and learnt from (forward, loss, backward); seconds of the segmentation's parts."""
    kinds = ("medium",) if setting.quick else tuple(SETTINGS)
    batches = {kind: rendering(kind, setting.device) for kind in kinds}
    for kind, batch in batches.items():
        yield f"renderer {kind}", _rate(setting, batch)
    rendered = batches["medium"]()
    for name in ("flownet2-s",) if setting.quick else NETWORKS:
        yield f"learning {name}", _rate(setting, learning(name, rendered, setting.device))
    sentence = missing("simplejpeg")  # tracks are followed through stores too
    yield "tracker", sentence or _tracker(setting)
    yield "dense", sentence or _dense(setting)


def _rate(setting: Setting, step: Callable[[], object]) -> dict[str, float]:
    return {"pairs_per_second": PAIRS / middle(setting.seconds(lambda _: step(), [None]))}


def _tracker(setting: Setting) -> dict[str, Any]:
    """Points 4 px apart through a shot whose flow is there; the CPU's number of tracks beside the device's."""
    from segmentation.synthetic import synthesise
    from segmentation.tracking import TrackerSettings, track

    height, width, frames = (96, 128, 4) if setting.quick else (480, 640, 20)
    shot, settings = synthesise("B", height, width, frames), TrackerSettings(sampling=4)
    steps = list(shot.steps())
    here = track(steps, settings)
    there = track(steps, settings, setting.device)
    tracks = len(here.trajectories), len(there.trajectories)
    return {
        "frames": frames,
        "height": height,
        "width": width,
        "seconds": middle(setting.seconds(lambda _: track(steps, settings, setting.device), [None])),
        "tracks": tracks[1],
        "tracks_on_cpu": tracks[0],
        "right": abs(tracks[0] - tracks[1]) <= 0.01 * tracks[0],
    }


def _dense(setting: Setting) -> dict[str, Any]:
    """A frame's mask from points 4 px apart with 4 labels, by each method, and the share that a CPU labels alike."""
    from segmentation.dense import DenseSettings, densify
    from segmentation.synthetic import synthesise

    height, width = (96, 128) if setting.quick else (480, 640)
    shot = synthesise("B", height, width, 2)
    y, x = (each.ravel() for each in np.mgrid[2:height:4, 2:width:4])
    labels = shot.labels[0][y, x].astype(np.int64)
    xy, count = np.stack([x, y], 1).astype(np.float32), int(labels.max()) + 1
    picture = shot.frames[0]
    found: dict[str, Any] = {"height": height, "width": width, "labels": count}
    for method in ("diffusion", "variation"):
        settings, there = DenseSettings(method=method), picture.to(setting.device)
        here = densify(picture, xy, labels, count, settings).labels
        alike = (densify(there, xy, labels, count, settings).labels.cpu() == here).float().mean()
        seconds = setting.seconds(lambda of, settings=settings: densify(of, xy, labels, count, settings), [there])
        found[method] = {"seconds": middle(seconds), "alike": float(alike), "right": float(alike) > 0.99}
    return found
