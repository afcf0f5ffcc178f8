"""Small stores and folders of other tools, made for these tests."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from flowfeat.store import ClipWriter, SourceFacts, StoreSettings
from flowfeat.store.planes import encode_frame, encode_plane
from flowfeat.store.quantise import measure, quantise
from flowfeat.store.records import claim_store
from flowfeat.store.settings import JPEG_QUALITY

HEIGHT, WIDTH, PAIRS, BOUND = 48, 64, 5, 20.0
KEYS = ("Jump/v_a", "Run/v_b")


def smooth_flow(seed: int, pairs: int = PAIRS, largest: float = 12.0) -> np.ndarray:
    """(pairs, 2, 48, 64) float32 pixels, smooth as flow is, still in the upper 16 rows."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(-largest, largest, (pairs * 2, 4, 5)).astype(np.float32)
    planes = [cv2.resize(plane, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC) for plane in coarse]
    flow = np.stack(planes).reshape(pairs, 2, HEIGHT, WIDTH).clip(-largest, largest)
    flow[:, :, :16] = 0
    return flow


def rgb_frames(seed: int, count: int, height: int = HEIGHT, width: int = WIDTH) -> list[bytes]:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (count, 6, 8, 3), dtype=np.uint8)
    return [encode_frame(cv2.resize(frame, (width, height)), 95) for frame in coarse]


def settings_for(encoding: str, frames: bool, backward: bool, step: int = 1, bound: float = BOUND) -> StoreSettings:
    return StoreSettings(
        model="dis",
        library="opencv 5.0",
        parameters={"preset": "medium"},
        weights_sha256=None,
        encoding=encoding,  # type: ignore[arg-type]
        bound=None if encoding == "float16" else bound,
        quality=JPEG_QUALITY if encoding == "jpeg" or frames else None,
        resize=None,
        step=step,
        backward=backward,
        frames=frames,
    )


def write_clip(store: Path, key: str, settings: StoreSettings, seed: int, largest: float = 12.0) -> None:
    directions = {"forward": smooth_flow(seed, largest=largest)}
    if settings.backward:
        directions["backward"] = smooth_flow(seed + 100, largest=largest)
    with ClipWriter(store, key, settings, HEIGHT, WIDTH) as writer:
        for direction, flow in directions.items():
            tensor = torch.from_numpy(flow)
            writer.count(measure(tensor, settings.bound))
            for field in tensor:
                if settings.bound is None:
                    planes = [plane.tobytes() for plane in field.half().numpy()]
                elif settings.encoding == "uint8":
                    planes = [plane.tobytes() for plane in quantise(field, settings.bound).numpy()]
                else:
                    levels = quantise(field, settings.bound).numpy()
                    planes = [encode_plane(plane, JPEG_QUALITY) for plane in levels]
                writer.append_fields(direction, planes)
        if settings.frames:
            writer.append_frames(rgb_frames(seed, PAIRS + settings.step))
        writer.commit(
            SourceFacts(
                name=f"{Path(key).name}.avi",
                bytes=12345 + seed,
                sha256=f"{seed:064x}",
                reader="decord 0.6.0",
                frames_decoded=PAIRS + settings.step,
                frames_declared=PAIRS + settings.step,
                frames_invented=0,
                frame_gaps=0,
                fps=25.0,
                height=HEIGHT,
                width=WIDTH,
            )
        )


@pytest.fixture(autouse=True)
def _one_thread():
    """Threads cost more than they save on fields this small: milliseconds a call where cores are shared."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def make_store(tmp_path: Path) -> Callable[..., Path]:
    """A function that makes a store of the clips `keys` and returns its folder."""

    def make(
        encoding: str = "jpeg",
        frames: bool = False,
        backward: bool = False,
        step: int = 1,
        keys: tuple[str, ...] = KEYS,
        largest: float = 12.0,
        name: str = "store",
        bound: float = BOUND,
    ) -> Path:
        store = tmp_path / name
        settings = settings_for(encoding, frames, backward, step, bound)
        claim_store(store, settings)
        for seed, key in enumerate(keys):
            write_clip(store, key, settings, seed, largest)
        return store

    return make


def tsn_levels(flow: np.ndarray, bound: float = BOUND) -> np.ndarray:
    """Levels as dense_flow makes them."""
    return np.round(255 * (flow.clip(-bound, bound) + bound) / (2 * bound)).astype(np.uint8)


def write_tsn_clip(
    folder: Path,
    flow: np.ndarray,
    first: int = 1,
    x: str = "flow_x_{:05d}.jpg",
    y: str = "flow_y_{:05d}.jpg",
    frames: int = 0,
) -> None:
    """A clip as TSN's tools write it, with OpenCV."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, (u, v) in enumerate(tsn_levels(flow), first):
        assert cv2.imwrite(str(folder / x.format(number)), u)
        assert cv2.imwrite(str(folder / y.format(number)), v)
    for number, frame in enumerate(rgb_frames(1, frames), first):
        (folder / f"img_{number:05d}.jpg").write_bytes(frame)
