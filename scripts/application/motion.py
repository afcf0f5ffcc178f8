"""Motion segmentation from a method's flow: tracks on FBMS-59, dense masks on DAVIS, each with its evaluator."""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from application.layout import Layout
from application.options import TableOptions
from application.results import Kind, Masks, SequenceMasks, ShotTracks, Tracks
from application.speed import Progress
from flowfeat.errors import InputError
from segmentation.davis import MERGED, UNSUPERVISED, open_davis
from segmentation.evaluation.binary import evaluate_binary_davis
from segmentation.evaluation.davis import SequenceScore, evaluate_davis, mean_over_objects
from segmentation.evaluation.fbms_results import evaluate_fbms
from segmentation.evaluation.moseg import MosegScore
from segmentation.evaluation.over_shots import MosegMeans
from segmentation.evaluation.result_folder import open_results
from segmentation.fbms import SPLITS, split_folders
from segmentation.runs.layout import RunFolder
from segmentation.runs.record import RunRecord, ShotRecord
from segmentation.runs.run import RunOptions, run_segmentation
from segmentation.runs.sources import SourceChoice


def measure_fbms(options: TableOptions, model: str, progress: Progress) -> Tracks:
    """Track and segment every shot, and score the tracks by MoSegEval over whole shots (Ochs et al., 2014).

    Raises InputError where no shot could be segmented.
    """
    assert options.fbms is not None
    home = Layout(options.out).segments(model, "fbms")
    record = _run(options, model, "fbms", options.fbms, progress)
    results = open_results(home, "moseg")
    found = evaluate_fbms(options.fbms, results.folder, "moseg", shots=results.shots)
    folder, means = RunFolder(home), found.means
    assert isinstance(means, MosegMeans)
    assert isinstance(found.one_cluster, MosegMeans)
    shots = []
    for name, shot in found.shots.items():
        score, one, made = shot.score, shot.one_cluster, folder.record(name)
        assert isinstance(score, MosegScore)
        assert isinstance(one, MosegScore)
        shots.append(
            ShotTracks(
                name=name,
                frames=made.frames,
                tracks=made.tracks,
                points=made.points,
                density=score.density,
                precision=score.precision,
                recall=score.recall,
                f_measure=score.f_measure,
                extracted=score.extracted,
                visible=score.visible,
                one_cluster=one.f_measure,
                seconds=made.timing.total,
                budget_hit=_budget_hit(made),
            )
        )
    return Tracks(
        sampling=options.sampling,
        protocol=means.protocol,
        shots=tuple(shots),
        of_shots=_official(options.fbms),
        density=means.density,
        precision=means.precision,
        recall=means.recall,
        f_measure=means.f_measure,
        extracted=means.extracted,
        visible=means.visible,
        one_cluster=found.one_cluster.f_measure,
        failed=_failed(record),
    )


def measure_davis(options: TableOptions, model: str, progress: Progress) -> Masks:
    """Segment the validation set densely, and score its masks: objects by J and F where the copy has the annotations
    of the unsupervised task, otherwise all that moves as one, over all frames as objects are.

    Raises InputError where no sequence could be segmented.
    """
    assert options.davis is not None
    davis = open_davis(options.davis)
    objects = (davis.home / UNSUPERVISED.folder).is_dir()
    wanted = davis.validation(UNSUPERVISED if objects else MERGED)
    record = _run(options, model, "davis", options.davis, progress, wanted)
    folder = Layout(options.out).segments(model, "davis") / "masks"
    names = [name for name in wanted if name in record.shots]
    if objects:
        scored = evaluate_davis(options.davis, folder, names)
        sequences = tuple(_of_objects(sequence) for sequence in scored.sequences)
        overall, one = scored.overall, scored.one_cluster.J_mean
        return Masks(scored.protocol, sequences, len(wanted), overall.J_mean, overall.F_mean, one, _failed(record))
    found = evaluate_binary_davis(options.davis, folder, names, all_frames=True)
    sequences = tuple(
        SequenceMasks(shot.name, shot.frames, shot.J.mean, shot.F.mean, shot.one_cluster.mean) for shot in found.shots
    )
    one = fmean(shot.one_cluster.mean for shot in found.shots)
    return Masks(found.protocol, sequences, len(wanted), found.J.mean, found.F.mean, one, _failed(record))


def _run(
    options: TableOptions, model: str, kind: Kind, root: Path, progress: Progress, shots: Sequence[str] = ()
) -> RunRecord:
    """The run of a data set. Raises InputError where no shot of it is done."""
    asked = RunOptions(
        out=Layout(options.out).segments(model, kind),
        source=SourceChoice(model=model, weights=options.weights.get(model), device=options.device),
        shots=shots,
        tracker=options.tracker,
        segmentation=options.parting,
        dense=options.dense if kind == "davis" else None,
        workers=1,
    )
    record = run_segmentation(root, asked, lambda done, total: progress(done, total, "frames"))
    if record.this_run.state == "stopped":
        raise KeyboardInterrupt
    if not record.shots:
        raise InputError(next(iter(_failed(record).values()), f"{root}: there is no shot in it"))
    return record


def _budget_hit(record: ShotRecord) -> bool:
    return record.segments is not None and record.segments.multicut is not None and record.segments.multicut.budget_hit


def _failed(record: RunRecord) -> dict[str, str]:
    return {shot: failure.reason for shot, failure in record.failed.items()}


def _official(root: Path) -> int:
    """How many shots the splits have that are in this copy."""
    return sum(len(SPLITS.get(folder.absolute().name, ())) for folder in split_folders(root))


def _of_objects(sequence: SequenceScore) -> SequenceMasks:
    mean, one = mean_over_objects(sequence.objects), mean_over_objects(sequence.one_cluster)
    return SequenceMasks(sequence.name, sequence.frames, mean.J_mean, mean.F_mean, one.J_mean)
