"""The score of a shot in the words of a caption; its protocol is always named."""

from pathlib import Path

import numpy as np

from segmentation.davis import UNSUPERVISED
from segmentation.evaluation.binary import SCORED, jaccard
from segmentation.evaluation.davis import MOST_PROPOSALS, mean_over_objects, score_sequence
from segmentation.evaluation.moseg import score_moseg
from segmentation.evaluation.points import count_tracks, map_files
from segmentation.fbms import Shot
from segmentation.formats import LabelledTracks
from segmentation.formats.label_map import ENDING, check_size, frame_name, open_label_maps, pairs_of_maps
from segmentation.overlays.truth import MaskedShot


def track_score(tracks: LabelledTracks, truth: Shot) -> str:
    """MoSegEval's F and extracted objects, over the whole shot; on DAVIS its masks are taken for regions.

    Raises:
        InputError: the window of the tracks is not that of the shot, or ground truth is missing.
    """
    score = score_moseg(count_tracks(tracks, truth))
    protocol = "moseg on DAVIS" if isinstance(truth, MaskedShot) else "moseg"
    f_measure = "undefined" if score.f_measure is None else f"{100 * score.f_measure:.1f}%"
    return f"{protocol}: F {f_measure}, {score.extracted} of {score.visible} objects extracted"


def mask_score(masks: Path, truth: Shot, objects: int) -> str:
    """DAVIS's unsupervised J&F where its masks of every object are there, and binary J otherwise; empty where no frame
    is scored.

    Args:
        masks: the folder of label maps.
        truth: of the shot.
        objects: the highest label of the masks.

    Raises:
        InputError: an annotated frame has no mask, or one of another size.
    """
    if isinstance(truth, MaskedShot) and truth.annotations == UNSUPERVISED:
        if objects > MOST_PROPOSALS:
            return f"davis: no score, {objects} objects are more than the {MOST_PROPOSALS} it allows"
        pairs = pairs_of_maps(truth.masks, open_label_maps(masks, truth.masks.names))
        overall = mean_over_objects(score_sequence(truth.name, pairs).objects)
        return "davis: no object" if overall.JF_mean is None else f"davis: J&F {100 * overall.JF_mean:.1f}%"
    read = map_files(masks)
    similarity = []
    annotations = truth.definition.annotations
    for annotation in annotations[SCORED] if isinstance(truth, MaskedShot) else annotations:
        region, labels = truth.read_truth(annotation).region, read(annotation)
        check_size(masks / f"{frame_name(annotation.frame)}{ENDING}", labels, region.shape)
        similarity.append(jaccard(region != 0, labels > 0))
    return f"binary-j: J {100 * float(np.mean(similarity)):.1f}%" if similarity else ""
