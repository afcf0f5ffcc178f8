"""The part of docs/performance.md about motion segmentation, from docs/records/segmentation.json."""

import statistics
from typing import Any

from page_text import spread, table, when

_STAGES = ("tracking", "costs", "solver", "total", "processor")


def segmentation(record: dict[str, Any]) -> list[str]:
    """Markdown, line by line; sections that the record lacks are left out."""
    sections = {
        "synthetic": _synthetic,
        "real": _real,
        "speed": _speed,
        "growth": _growth,
        "dense": _dense,
        "davis": _davis,
        "solver": _solver,
    }
    lines = ["## Motion segmentation", ""]
    for name, told in sections.items():
        if name in record:
            lines += [*told(record[name]), when(record[name]), ""]
    return lines


def _synthetic(section: dict[str, Any]) -> list[str]:
    rows = []
    for scene, shots in section["scenes"].items():
        seeds = ", ".join(str(shot["seed"]) for shot in shots)
        objects = " ".join(f"{shot['by_object']['extracted']}/{shot['by_object']['visible']}" for shot in shots)
        rows.append((scene, seeds, _each(shots, "by_cluster"), _each(shots, "by_object"), objects, shots[0]["frames"]))
    return [
        f"Rendered scenes with exact or noisy flow, {section['width']}x{section['height']}, points "
        f"{section['sampling']} px apart, F of MoSegEval over seeds that no setting was chosen on (0 to 9 were). In "
        "`still` nothing moves and nothing should be found.",
        "",
        *table(("scene", "seeds", "F by cluster", "F by object", "extracted", "frames"), rows),
    ]


def _each(shots: list[dict[str, Any]], labels: str) -> str:
    return " ".join(_share(shot[labels]["f_measure"]) for shot in shots)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _real(section: dict[str, Any]) -> list[str]:
    rows = []
    for model, sequences in section["sequences"].items():
        for name, shot in sequences.items():
            found = shot["by_object"]
            rows.append(
                (
                    model,
                    name,
                    shot["frames"],
                    _share(shot["one_cluster"]["f_measure"]),
                    _share(shot["by_cluster"]["f_measure"]),
                    _share(found["f_measure"]),
                    f"{found['extracted']}/{found['visible']}",
                    _share(shot["J"]),
                )
            )
        means = section["means"][model]
        shares = [_share(means[name]) for name in ("one_cluster", "by_cluster", "by_object", "J")]
        rows.append((model, "mean", "", *shares[:3], "", shares[3]))
    return [
        f"Real sequences, points {section['sampling']} px apart: F of MoSegEval (cars1 by its definition, DAVIS as "
        f"object and background) and binary J of masks by diffusion, of {section['dense_frames']}. One setting for "
        "all; these four are what it was looked at on, so they are no test of it.",
        "",
        *table(
            ("flow", "sequence", "frames", "one cluster F", "F by cluster", "F by object", "extracted", "J"),
            rows,
        ),
    ]


def _speed(section: dict[str, Any]) -> list[str]:
    rows = []
    for variation, runs in section["runs"].items():
        middle = sorted(runs, key=lambda run: run["total"])[len(runs) // 2]
        rows.append(
            (
                variation,
                *(f"{middle[stage]:.1f}" for stage in _STAGES),
                f"{middle['peak'] / 1e9:.2f}",
                middle["tracks"],
                spread(section["tracking_over_lucas_kanade"][variation]),
                spread(section["solver_over_contraction"][variation]),
            )
        )
    return [
        f"{section['frames']} frames of {section['width']}x{section['height']} from flow that is there, points "
        f"{section['sampling']} px apart, seconds of the middle one of {len(next(iter(section['runs'].values())))} "
        "runs; the window of the flow's variation is `bilateral` by default. Beside them, in the same runs: OpenCV's "
        "sparse Lucas-Kanade, which follows as many points forward and back and finds their motion itself, and the "
        "greedy contraction that the solver begins with.",
        "",
        *table(
            (
                *("window", *_STAGES, "peak GB", "tracks"),
                "tracking over Lucas-Kanade (less is better)",
                "solver over its contraction alone (less is better)",
            ),
            rows,
        ),
    ]


def _growth(section: dict[str, Any]) -> list[str]:
    rows = [
        (
            run["frames"],
            *(f"{run[stage]:.1f}" for stage in _STAGES),
            f"{run['peak'] / 1e9:.2f}",
            f"{run['tracks']:,}",
            f"{run['edges']:,}",
        )
        for run in section["runs"]
    ]
    columns = ("frames", *_STAGES, "peak GB", "tracks", "edges")
    return ["How that grows with the frames, seconds:", "", *table(columns, rows)]


def _dense(section: dict[str, Any]) -> list[str]:
    rows = [
        (method, name, f"{statistics.median(told['wall']):.2f}", told["iterations"])
        for method, pictures in section["methods"].items()
        for name, told in pictures.items()
    ]
    return [
        f"Dense masks at {section['width']}x{section['height']} with {section['labels']} labels, seconds a frame:",
        "",
        *table(("method", "picture", "seconds", "iterations"), rows),
    ]


def _davis(section: dict[str, Any]) -> list[str]:
    return [
        f"DAVIS J and F of {section['frames']} frames of {section['width']}x{section['height']} with "
        f"{section['objects']} objects: {statistics.median(section['wall']):.1f} s."
    ]


def _solver(section: dict[str, Any]) -> list[str]:
    return [
        f"A graph of {section['nodes']:,} nodes and {section['edges']:,} edges, {section['wrong']:.0%} of the signs "
        f"wrong, with a budget of {section['budget']:.0f} s: ended after {section['seconds_for_all']:.1f} s "
        f"({section['stopped']}), energy {section['greedy_energy']:.0f} after contraction, {section['energy']:.0f} at "
        f"the end, {section['clusters']} clusters."
    ]
