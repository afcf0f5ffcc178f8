"""The numbers of a run's shots as a table, a row a shot, that any tool reads."""

import csv
import io
from collections.abc import Mapping, Sequence

from segmentation.runs.record import Failure, ShotRecord

COLUMNS = (
    *("shot", "frames", "height", "width", "tracks", "points", "mean_length"),
    *("reached_end", "left_frame", "inconsistent", "motion_boundary"),
    *("pairs", "median_motion", "clusters", "objects", "left_out", "background_clusters"),
    *("greedy_energy", "energy", "solver", "budget_hit", "masks", "masks_without_tracks", "failed"),
)
"""What is undefined is empty: the energies of spectral clustering, every number of a shot that has no result."""


def shots_csv(records: Sequence[ShotRecord], failed: Mapping[str, Failure]) -> bytes:
    """The table, sorted by shot; no time is in it, so that the same results are the same bytes."""
    rows = {record.shot: _row(record) for record in records}
    for shot, failure in failed.items():
        rows[shot] = {**rows.get(shot, {"shot": shot}), "failed": failure.reason}
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    table.writeheader()
    table.writerows(rows[shot] for shot in sorted(rows))
    return text.getvalue().encode()


def _row(record: ShotRecord) -> dict[str, object]:
    tracking = record.tracking
    row: dict[str, object] = {
        "shot": record.shot,
        "frames": record.frames,
        "height": record.height,
        "width": record.width,
        "tracks": record.tracks,
        "points": record.points,
        "mean_length": round(record.points / record.tracks, 3) if record.tracks else "",
        "reached_end": tracking.reached_end,
        "left_frame": tracking.stopped.left_frame,
        "inconsistent": tracking.stopped.inconsistent,
        "motion_boundary": tracking.stopped.motion_boundary,
    }
    segments = record.segments
    if segments is not None:
        motion = segments.graph.motion_quantiles
        row |= {
            "pairs": segments.graph.pairs,
            "median_motion": "" if motion is None else motion[len(motion) // 2],
            "clusters": segments.clusters,
            "objects": segments.objects,
            "left_out": segments.left_out,
            "background_clusters": sum(cluster.object == 0 for cluster in segments.background.clusters),
        }
        if segments.multicut is not None:
            solved = segments.multicut
            row |= {
                "greedy_energy": solved.greedy_energy,
                "energy": solved.energy,
                "solver": solved.stopped,
                "budget_hit": str(solved.budget_hit).lower(),
            }
    if record.masks is not None:
        row |= {"masks": record.masks.written, "masks_without_tracks": len(record.masks.without_tracks)}
    return row
