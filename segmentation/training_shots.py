"""Which shots weights may be fitted to, and their pairs of tracks whose objects are known."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Integer

from flowfeat.errors import InputError
from segmentation.affinities import AffinitySettings, trajectory_graph
from segmentation.calibrate import LabelledShot, Origin, TracksFacts, labelled_shot
from segmentation.davis import MERGED, Davis, open_davis
from segmentation.fbms import TEST, definition_of, is_fbms, open_shot, shot_folders
from segmentation.runs.layout import RunFolder
from segmentation.true_objects import davis_truth, fbms_truth, objects_of_shot

_HELD_OUT = (
    "bike-packing blackswan bmx-trees breakdance camel car-roundabout car-shadow cows dance-twirl dog dogs-jump "
    "drift-chicane drift-straight goat gold-fish horsejump-high india judo kite-surf lab-coat libby loading "
    "mbike-trick motocross-jump paragliding-launch parkour pigs scooter-black shooting soapbox"
)
DAVIS_VALIDATION = tuple(_HELD_OUT.split())
"""The 30 sequences of the validation set of 2017, among them the 20 of 2016. Scores are reported on both."""


@dataclass(frozen=True)
class TrainingShots:
    """Shots to fit weights to.

    Attributes:
        dataset: `FBMS-59` or `DAVIS`.
        root: its copy.
        names: of the shots, in the order of the data set.
        test: those of them that scores are reported on.
        without_tracks: shots of the training split that there are no tracks of.
    """

    dataset: str
    root: Path
    names: tuple[str, ...]
    test: tuple[str, ...]
    without_tracks: tuple[str, ...]

    def truth(self, name: str) -> Iterator[tuple[int, Integer[np.ndarray, "h w"]]]:
        """The annotated frames of a shot and the objects in them. Raises InputError where one is missing."""
        if self.dataset == "DAVIS":
            return davis_truth(open_davis(self.root), name)
        return fbms_truth(open_shot(definition_of(shot_folders(self.root)[name])))


def training_shots(root: str | Path, run: RunFolder, shots: Sequence[str] | None = None) -> TrainingShots:
    """The shots of the training split that there are tracks of, or those that are named, of whichever split.

    Args:
        root: a copy of FBMS-59 or DAVIS.
        run: a result with tracks.
        shots: names; without them, the shots of FBMS-59's training set, and of DAVIS what is in no validation set.

    Raises:
        InputError: the root is neither, a shot is not there, has no tracks or was tracked with other settings than the
            run, or no shot is left.
    """
    root = Path(root)
    if is_fbms(root):
        dataset, folders = "FBMS-59", shot_folders(root)
        known = list(folders)
        held_out = {name for name in known if name in TEST or folders[name].parent.name == "Testset"}
    else:
        dataset, known, held_out = "DAVIS", _davis(root).annotated(MERGED), set(DAVIS_VALIDATION)
    tracked = set(run.shots())
    if shots is None:
        training = [name for name in known if name not in held_out]
        names = [name for name in training if name in tracked]
        if not training:
            raise InputError(
                f"{root}: none of its {len(known)} shots is of {dataset}'s training split; get that, or name shots "
                "with --shots, on which no score tells anything then"
            )
        if not names:
            raise InputError(
                f"{run.home}: none of the {len(training)} shots of the training split of {dataset} in {root} has "
                "tracks here; run `flowfeat segmentation track` on them"
            )
        _check_tracked_alike(run, names)
        return TrainingShots(dataset, root, tuple(names), (), tuple(name for name in training if name not in tracked))
    for name in shots:
        if name not in known:
            raise InputError(f"{root}: the shot {name} is not here; there are {', '.join(known)}")
        if name not in tracked:
            raise InputError(f"{run.home}: the shot {name} has no tracks here; run `flowfeat segmentation track` on it")
    names = [name for name in known if name in set(shots)]
    _check_tracked_alike(run, names)
    return TrainingShots(dataset, root, tuple(names), tuple(name for name in names if name in held_out), ())


def labelled_shots(
    shots: TrainingShots,
    run: RunFolder,
    affinities: AffinitySettings,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[LabelledShot], Origin]:
    """The pairs of tracks of each shot with their distances and whether both are of one object.

    Args:
        shots: which.
        run: their tracks.
        affinities: which tracks are compared, and how.
        progress: called with shots done and shots in all.

    Raises:
        InputError: tracks or ground truth cannot be read, or do not belong together.
    """
    labelled, facts = [], []
    for done, name in enumerate(shots.names):
        if progress is not None:
            progress(done, len(shots.names))
        stored = run.stored_tracks(name)
        objects = objects_of_shot(name, stored, shots.truth(name))
        features = stored.features
        graph = trajectory_graph(stored.trajectories, features.sigma, features.lab, affinities)
        labelled.append(labelled_shot(name, graph, objects.object))
        counts = len(stored.trajectories), objects.known, objects.unseen, objects.crossing
        facts.append(TracksFacts(name, *counts, run.record(name).tracks_sha256))
    if progress is not None:
        progress(len(shots.names), len(shots.names))
    origin = Origin(
        dataset=shots.dataset,
        root=str(shots.root),
        result=str(run.home),
        flow=run.run_record().flow,
        shots=tuple(facts),
        test_shots=shots.test,
        without_tracks=shots.without_tracks,
    )
    return labelled, origin


def _check_tracked_alike(run: RunFolder, names: Sequence[str]) -> None:
    """Weights fitted to two trackers, or to two flows, would be of neither."""
    settings = run.run_record().settings
    for name in names:
        found = run.record(name).settings
        if (found.tracker, found.flow) != (settings.tracker, settings.flow):
            raise InputError(
                f"{run.record_file(name)}: the shot was tracked with other settings than its run; track it again"
            )


def _davis(root: Path) -> Davis:
    try:
        return open_davis(root)
    except InputError:
        raise InputError(
            f"{root}: this is neither FBMS-59 nor DAVIS; give a copy of one, for its ground truth"
        ) from None
