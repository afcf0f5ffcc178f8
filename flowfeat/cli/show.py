"""`flowfeat show`: a picture or a movie of flow."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from flowfeat.cli import DONE
from flowfeat.cli.output import result, result_json
from flowfeat.errors import InputError
from flowfeat.estimators import load_estimator
from flowfeat.formats import FLOW_ENDINGS
from flowfeat.gallery import is_movie, show_clip, show_flow_file, show_store, show_video
from flowfeat.store import StoredClip
from flowfeat.store.records import settings_of_store
from flowfeat.wording import counted


@dataclass(frozen=True)
class Show:
    """Draw the flow of a store, a stored clip, a video, a folder of frames, or a flow file.

    flowfeat show ucf101-flow --out clips.png

    flowfeat show ucf101-flow --clip v_Punch_g06_c03 --out punch.mp4

    flowfeat show video.mp4 --model dis --out flow.mp4

    flowfeat show flow10.flo --out flow10.png
    """

    what: Positional[Path]
    """A store, a stored clip (.safetensors), a video, a folder of frames, or a .flo, .pfm, .npy or KITTI .png file."""
    out: Path
    """A .png or .jpg for a picture, an .mp4 for a movie with the flow over the frames."""
    clip: str | None = None
    """Of a store: the clip to show, by its key or a stem that is unique."""
    model: str | None = None
    """Of a video: the model that computes its flow."""
    weights: Path | None = None
    """Of a video: a checkpoint, for models that take one."""
    profile: str | None = None
    """Of a video: lmb, nvidia, mmflow or flownet1, for networks of the FlowNet 2.0 family."""
    device: str = "auto"
    """Of a video: cpu, cuda, or auto."""
    json: bool = False
    """Print what was drawn as JSON on standard output."""

    def run(self) -> int:
        if not is_movie(self.out) and self.out.suffix.lower() not in (".png", ".jpg", ".jpeg"):
            raise InputError(f"{self.out}: a picture is .png or .jpg and a movie is .mp4")
        count = self._draw()
        if self.json:
            result_json({"out": str(self.out), "drawn": count})
        else:
            result(f"{self.out}: {counted(count, 'frame' if is_movie(self.out) else 'picture')} drawn")
        return DONE

    def _draw(self) -> int:
        if self.what.is_dir() and settings_of_store(self.what):
            return show_store(self.what, self.out, self.clip)
        if self.clip:
            raise InputError(f"{self.what}: --clip names a clip of a store, and this is none")
        ending = self.what.suffix.lower()
        if ending == ".safetensors":
            return show_clip(StoredClip(self.what), self.out)
        if self.what.is_file() and ending in FLOW_ENDINGS:
            if is_movie(self.out):
                raise InputError(f"{self.out}: one field makes a picture, not a movie; say .png or .jpg")
            show_flow_file(self.what, self.out)
            return 1
        if not self.what.exists():
            raise InputError(f"{self.what}: there is no such file or folder")
        estimator = load_estimator(self.model, self.weights, self.device, profile=self.profile)
        return show_video(self.what, estimator, self.out)
