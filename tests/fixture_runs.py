"""Small synthetic shots on disk, for runs over them: folders of frames, a store of their flow, what a run wrote."""

import json
from pathlib import Path
from typing import Any

from fixture_stores import settings, write_stored_clip
from PIL import Image

from segmentation.synthetic import SyntheticShot, synthesise

HEIGHT, WIDTH, FRAMES = 72, 96, 4


def write_frames(folder: Path, shot: SyntheticShot) -> None:
    folder.mkdir(parents=True)
    for frame, picture in enumerate(shot.frames):
        Image.fromarray(picture.permute(1, 2, 0).numpy()).save(folder / f"{frame:05d}.png")


def write_clips(folder: Path, frames: int = FRAMES, **scenes: str) -> tuple[Path, Path]:
    """Each scene as a folder of frames of that name, and a store of their flow: both folders."""
    for seed, (name, scene) in enumerate(scenes.items()):
        shot = synthesise(scene, HEIGHT, WIDTH, frames=frames, seed=seed + 3)
        write_frames(folder / "clips" / name, shot)
        write_stored_clip(folder / "flow", name, settings("float16", backward=True), shot.forward, shot.backward)
    return folder / "clips", folder / "flow"


def files_of(result: Path) -> dict[str, Any]:
    """All files of a result by name; records without what is never the same twice."""
    found: dict[str, Any] = {}
    for path in sorted(result.rglob("*")):
        if path.is_file():
            content: Any = path.read_bytes()
            if path.suffix == ".json":
                content = json.loads(content)
                content.pop("timing", None)
                content.pop("this_run", None)
            found[path.relative_to(result).as_posix()] = content
    return found
