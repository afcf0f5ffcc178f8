"""The part of docs/performance.md about GPUs, from docs/records/gpu.json where that is there."""

from collections.abc import Mapping
from typing import Any

from page_text import table

NEVER_ON_A_GPU = [
    "the Triton kernels: their results were checked through Triton's interpreter alone",
    "the FlowNet 2.0 family on CUDA: its speed and memory, the settings that keep TF32 out and make it repeatable, and "
    "that a clip's bytes do not depend on its place in a batch",
    "networks in float16, the default there: what it costs in pixels was measured on a CPU alone",
    "networks recorded as CUDA graphs, and what happens where one cannot be",
    "extraction on CUDA: copies that overlap with computing, the batch that is chosen, pairs a second from videos",
    "`--device auto` taking a GPU that is there",
    "quantising flow on the device and copying levels instead of floats",
    "the renderer of training pairs: its speed beside a training step's, and that it renders the same scenes",
    "motion segmentation: the tracker and the dense masks on CUDA",
]
"""What `gpu.sh` checks and measures: shown as never run until it has been."""

BESIDES = [
    "extraction with RAFT on CUDA, and so its speed, its memory and the batch that fits",
    "`--devices`: several GPUs side by side",
    "the sentence that a device without memory for a batch should give",
    "training: bf16, several GPUs through torchrun, its samples a second, and the default weights' next stages "
    "(`scripts/train_default_weights.py --device cuda`)",
]
"""What `gpu.sh` leaves out."""


def never_run(record: Mapping[str, Any] | None) -> list[str]:
    """What has never run on a GPU, Markdown; `record` is that of one, or None."""
    besides = [f"- {line}" for line in BESIDES]
    if record:
        return ["## What has never run on a GPU", "", *besides, ""]
    return [
        "## What has never run on a GPU",
        "",
        "`scripts/bench/gpu.sh` checks and measures these in one go, within 8 minutes, and without a network:",
        "",
        *[f"- {line}" for line in NEVER_ON_A_GPU],
        "",
        "Besides:",
        "",
        *besides,
        "",
    ]


def gpu(record: Mapping[str, Any]) -> list[str]:
    """Markdown, line by line. Sections that failed say so, with what they found before."""
    parts = [
        "## On a GPU",
        "",
        "By `scripts/bench/gpu.sh`, on random frames unless said, medians of calls timed by the GPU's own clock.",
        "",
        *_failures(record),
        *_wanted(record.get("wanted", {})),
        *_ceilings(record.get("ceilings", {})),
        *_checks(record.get("checks", {})),
        *_networks(record.get("networks", {})),
        *_operators(record.get("operators", {})),
        *_extraction(record.get("extraction", {})),
        *_training(record.get("training", {})),
    ]
    return parts


def _failures(record: Mapping[str, Any]) -> list[str]:
    failed = {name: found["failed"] for name, found in record.items() if isinstance(found, dict) and "failed" in found}
    lines = [f"- **{name}** did not come to its end: {_last_line(told)}" for name, told in failed.items()]
    return [*lines, ""] if lines else []


def _wanted(section: Mapping[str, Any]) -> list[str]:
    rows = [
        (
            each["told"],
            f"{each['wanted']:,g} {each['unit']}",
            "" if each["measured"] is None else f"{each['measured']:,.4g} {each['unit']}",
            {True: "yes", False: "**no**", None: "not measured"}[each["met"]],
        )
        for each in section.get("figures", [])
    ]
    return table(("", "wanted", "measured", "met"), rows) if rows else []


def _ceilings(section: Mapping[str, Any]) -> list[str]:
    if "bytes_per_second" not in section:
        return []
    rates = ", ".join(f"{rate / 1e12:.0f} TFLOP/s in {name}" for name, rate in section["flop_per_second"].items())
    return [
        f"At its best this {section['device']['name']} does {rates} (a matrix product of {section['matrix_side']}, "
        f"float32 without TF32), and reads and writes {section['bytes_per_second'] / 1e12:.2f} TB/s.",
        "",
    ]


def _checks(section: Mapping[str, Any]) -> list[str]:
    checked = {name: found for name, found in section.items() if isinstance(found, dict) and "right" in found}
    if not checked:
        return []
    wrong = [name for name, found in checked.items() if not found["right"]]
    lines = [
        f"{len(checked) - len(wrong)} of {len(checked)} checks hold"
        + (f"; these do not: {', '.join(wrong)}." if wrong else "."),
        "",
    ]
    rows = [
        (name.removeprefix("network "), *(f"{found[each]:.1e}" for each in ("max", "mean")), f"{found['flow']:.2f}")
        for name, found in checked.items()
        if name.startswith("network ")
    ]
    if rows:
        lines += [
            "Off the CPU in float32, px:",
            "",
            *table(("network", "most", "mean", "mean length of the flow"), rows),
        ]
    precisions = section.get("precisions")
    if isinstance(precisions, dict):
        kinds = [
            (kind, name, f"{found['off_float32']:.4f}", f"{found['off_truth']:.3f}")
            for kind, each in precisions.items()
            for name, found in each.items()
        ]
        lines += [
            "Default weights on rendered pairs, mean px:",
            "",
            *table(("pairs", "precision", "off float32", "off the truth"), kinds),
        ]
    return lines


def _networks(section: Mapping[str, Any]) -> list[str]:
    rows = []
    for name, found in section.items():
        if not (isinstance(found, list) and found and isinstance(found[0], dict)):
            continue
        best = max(found, key=lambda row: row["pairs_per_second"])
        share, peak = best.get("share_of_rate"), best["peak_bytes"]
        rows.append(
            (
                f"`{name}`",
                f"{best['pairs_per_second']:,.0f}",
                best["batch"],
                f"{share:.0%}" if share else "",
                f"{peak / 2**30:.1f}" if peak else "",
                ", ".join(f"{row['batch']}: {row['pairs_per_second']:,.0f}" for row in found) if len(found) > 1 else "",
            )
        )
    if not rows:
        return []
    times = [
        f"{name.removesuffix(' over stock')} is {value:.1f} times as fast as its stock form"
        for name, value in section.items()
        if name.endswith(" over stock")
    ]
    height, width = section["size"]
    head = ("network", "pairs a second", "batch", "share of the matrix rate", "GiB, kernels one by one", "by batch")
    return [
        f"Networks at {height}x{width}, frames and flow on the GPU, drawn weights; the stock form is float32 without "
        f"TF32, launched as PyTorch does, at its best batch. {'; '.join(times)}{'.' * bool(times)}".strip(),
        "",
        *table(head, rows),
    ]


def _operators(section: Mapping[str, Any]) -> list[str]:
    rows = []
    for name, found in section.items():
        if isinstance(found, dict) and "operations" in found:
            share = found["share_of_roofline"]
            rows.append(
                (
                    name,
                    f"{1e3 * found['seconds']:.3g} ms",
                    f"{found['operations'] / 1e9:.3g}",
                    f"{found['bytes'] / 1e9:.3g}",
                    f"{share:.0%}" if share else "",
                )
            )
    lines = table(("operator", "time", "GFLOP", "GB", "share of the roofline"), rows) if rows else []
    for name, found in section.items():
        if isinstance(found, dict) and "kernels" in found:
            rows = [
                (f"`{row['name']}`", row["launches"], f"{row['seconds'] / found['seconds']:.1%}")
                for row in found["kernels"][:12]
            ]
            lines += [
                f"{name.capitalize()}: {found['launches']} launches, {1e3 * found['seconds']:.3g} ms for "
                f"{found['pairs']} pairs; the longest:",
                "",
                *table(("kernel", "launches", "share of the time"), rows),
            ]
    return lines


def _extraction(section: Mapping[str, Any]) -> list[str]:
    if "left_out" in section:
        return [f"Extraction: {section['left_out']}.", ""]
    rows = []
    for name, found in section.items():
        if isinstance(found, dict) and "hours_of_ucf101" in found:
            rows.append(
                (
                    f"`{name}`",
                    " ".join(f"{each:,.0f}" for each in found["pairs_per_second"]),
                    " ".join(f"{each:.0%}" for each in found["share_of_time_computing"]),
                    f"{found['hours_of_ucf101']:.2f}",
                    "yes" if all(found["clean"]) else "**no**",
                )
            )
    if not rows:
        return []
    alone = [
        f"{name} alone {section[name]['pairs_per_second']:,.0f}" for name in ("decoding", "encoding") if name in section
    ]
    given = section["input"]
    head = ("model", "pairs a second", "the network computing", "hours for UCF101", "store verified")
    return [
        f"Videos to a store: {given['clips']} made clips of {given['width']}x{given['height']}, {given['pairs']:,} "
        f"pairs, {section['threads']} threads; pairs a second of {', '.join(alone)}."
        if alone
        else "Videos to a store:",
        "",
        *table(head, rows),
    ]


def _training(section: Mapping[str, Any]) -> list[str]:
    rows = [
        (name, f"{found['pairs_per_second']:,.0f} pairs a second")
        for name, found in section.items()
        if isinstance(found, dict) and "pairs_per_second" in found
    ]
    if isinstance(tracker := section.get("tracker"), dict):
        size = f"{tracker['frames']} frames of {tracker['width']}x{tracker['height']}"
        rows.append((f"tracker, {size}", f"{tracker['seconds']:.2f} s"))
    if isinstance(dense := section.get("dense"), dict):
        for method in ("diffusion", "variation"):
            rows.append((f"dense mask by {method}, a frame", f"{dense[method]['seconds']:.3f} s"))
    return table(("", ""), rows) if rows else []


def _last_line(told: str) -> str:
    return (told.strip().splitlines() or [""])[-1]
