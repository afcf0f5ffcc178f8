"""Small data sets in the layouts and formats of the real ones, whose flow and occlusions are known."""

from pathlib import Path

import numpy as np
from PIL import Image

from flowfeat.formats import write_flow

HEIGHT, WIDTH = 12, 16


def frame_of(path: Path, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Write a picture of random pixels that its name decides."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(list(str(path.name).encode())).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return pixels


def constant(u: float, v: float, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """A field that is the same everywhere."""
    return np.broadcast_to(np.array([u, v], np.float32)[:, None, None], (2, height, width)).copy()


def sintel_tree(root: Path, size: tuple[int, int] = (HEIGHT, WIDTH)) -> Path:
    """Two training scenes of two pairs and one, moving (3, 4) and (30, 40); a test scene of two pairs.

    The left half of every frame is occluded.
    """
    for scene, count, flow in (("alley_1", 3, constant(3, 4, *size)), ("ambush_2", 2, constant(30, 40, *size))):
        for number in range(1, count + 1):
            name = f"frame_{number:04d}"
            for rendering in ("clean", "final"):
                frame_of(root / f"training/{rendering}/{scene}/{name}.png", *size)
            if number < count:
                write_flow(root / f"training/flow/{scene}/{name}.flo", flow)
                mask = np.zeros(size, np.uint8)
                mask[:, : size[1] // 2] = 255
                path = root / f"training/occlusions/{scene}/{name}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(mask).save(path)
    for number in range(1, 4):
        for rendering in ("clean", "final"):
            frame_of(root / f"test/{rendering}/market_1/frame_{number:04d}.png", *size)
    return root


def kitti_tree(root: Path, camera: str, size: tuple[int, int] = (HEIGHT, WIDTH)) -> Path:
    """Two training pairs, moving (3, 4) and (0, 0), and two test pairs of other sizes.

    Of the first only the upper half is known, the second whole; the left half of each leaves the picture.
    """
    for number, flow in enumerate((constant(3, 4, *size), constant(0, 0, *size))):
        for folder in ("training", "testing"):
            for frame in (10, 11):
                wider = number if folder == "testing" else 0
                frame_of(root / folder / camera / f"{number:06d}_{frame}.png", size[0], size[1] + wider)
        known = np.ones(size, np.bool_)
        if number == 0:
            known[size[0] // 2 :] = False
        in_view = known.copy()
        in_view[:, : size[1] // 2] = False
        for folder, valid in (("flow_occ", known), ("flow_noc", in_view)):
            write_flow(root / f"training/{folder}/{number:06d}_10.png", flow, valid)
    return root


def middlebury_tree(root: Path, size: tuple[int, int] = (HEIGHT, WIDTH)) -> Path:
    """Two scenes, moving (3, 4) and (0, 1); the second is unknown in its first row."""
    for scene, flow in (("Grove2", constant(3, 4, *size)), ("Venus", constant(0, 1, *size))):
        for number in (10, 11):
            frame_of(root / f"other-data/{scene}/frame{number}.png", *size)
        known = np.ones(size, np.bool_)
        known[0] = scene != "Venus"
        write_flow(root / f"other-gt-flow/{scene}/flow10.flo", flow, known)
    return root


def chairs_sdhom_tree(root: Path, size: tuple[int, int] = (HEIGHT, WIDTH)) -> Path:
    """Two pairs to train on and one to test on, moving (1, 0)."""
    for split, count in (("train", 2), ("test", 1)):
        for number in range(count):
            for kind in ("t0", "t1"):
                frame_of(root / f"data/{split}/{kind}/{number:05d}.png", *size)
            path = root / f"data/{split}/flow/{number:05d}.pfm"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_flow(path, constant(1, 0, *size))
    return root


def things3d_tree(root: Path, size: tuple[int, int] = (HEIGHT, WIDTH)) -> Path:
    """One video of two frames, left and right, moving (3, 4) into the future and back."""
    for view in ("left", "right"):
        for number in (6, 7):
            frame_of(root / f"frames_cleanpass/TRAIN/A/0000/{view}/{number:04d}.png", *size)
            for direction, name, sign in (("into_future", "IntoFuture", 1), ("into_past", "IntoPast", -1)):
                file = f"OpticalFlow{name}_{number:04d}_{view[0].upper()}.pfm"
                path = root / f"optical_flow/TRAIN/A/0000/{direction}/{view}/{file}"
                path.parent.mkdir(parents=True, exist_ok=True)
                write_flow(path, constant(3 * sign, 4 * sign, *size))
    return root


def flying_chairs_tree(root: Path, size: tuple[int, int] = (HEIGHT, WIDTH)) -> Path:
    """Two pairs to train on and one to validate on, moving (2, 1)."""
    for number in (1, 2, 3):
        for place in (1, 2):
            frame_of(root / f"data/{number:05d}_img{place}.ppm", *size)
        write_flow(root / f"data/{number:05d}_flow.flo", constant(2, 1, *size))
    (root / "FlyingChairs_train_val.txt").write_text("1\n1\n2\n")
    return root
