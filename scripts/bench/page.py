"""docs/performance.md from docs/records/*.json: python scripts/bench/page.py"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gpu_page import gpu, never_run
from networks_page import networks, variants
from page_text import busy, middle, spread, table, threads
from scale_page import scale
from segmentation_page import segmentation

DOCS = Path(__file__).parents[2] / "docs"
RECORDS = ("networks", "variants", "rendering", "store", "extraction", "stacks", "scale", "segmentation")
WHERE_THERE = ("gpu",)
"""Records that the page does without."""
UCF101_CLIPS, UCF101_PAIRS = 13_320, 2_450_000

NO_HELP = [
    "**`grid_sample` for the warp on a CPU.** Its coordinates in [-1, 1] cost two digits: 1.5e-5 off at 256x320, and "
    "the published kernel's numbers are wanted to 1e-6; float64 makes it exact and twice as slow.",
    "**Other gathers for the warp on a CPU**, at 1x3x256x320 beside 1.8 ms of `grid_sample` with its grid: "
    "`embedding_bag` over four taps (4.0 ms, most of it interleaving indices and weights), pairs of pixels as one "
    "number (3.4 ms), channel by channel (2.3 ms), torchvision's `deform_conv2d` (17 ms).",
    "**Keeping freed memory** (glibc's `MALLOC_MMAP_THRESHOLD_` and `MALLOC_TRIM_THRESHOLD_`) for networks on a CPU "
    "spares 7,000 page faults a pair of 256x320, a fifteenth of the processor's time; on the clock the difference was "
    "less than that between two runs. The trim threshold by itself made it 40% slower.",
    "**A pool of threads kept from batch to batch** for networks on a CPU: the same time.",
    "**bfloat16 without being asked** on CPUs that multiply in it: it is nearly twice as fast, but the flow of the "
    "default weights is 0.09 px off on Middlebury, twice what 8 bits and JPEG cost. It takes `--precision bfloat16`.",
    "**One layout of a network's weights for all sizes of frames.** For other sizes oneDNN makes another one at every "
    "call: 320x240 took twice as long after one pair of 584x388, and small frames up to 30 times.",
    "**Frames and evidence in channels-last before the first convolutions** of packed networks: the same time; these "
    "layers have too few channels (3 to 12) for either layout.",
    "**decord inside the extracting process.** It aborts the whole process, with no exception to catch, on about 1 in "
    "1,900 damaged AVIs (4 of 7,500 files made by mutating real ones). Clips are decoded in processes of their own "
    "instead, and such a file costs itself alone.",
]


def render(records: Mapping[str, dict[str, Any]]) -> str:
    """The page, from the records."""
    parts = [
        "# Performance",
        "",
        "Made by `scripts/bench/page.py` from the records in `docs/records`, which hold every repetition, the versions "
        "of all libraries and the SHA-256 of every clip. Everything is measured beside its rival in the same run and "
        "in turn; what concerns clips, on clips of UCF101 (320x240, MPEG-4 in AVI) with DIS flow. Ratios are what to "
        "look at: median (minimum to maximum) over the repetitions. Absolute times depend on the machine.",
        "",
        *table(
            ("record", "machine", "load before", "clips", "pairs", "date"),
            map(_where, records.values()),
        ),
        *networks(records["networks"]),
        *variants(records["variants"]),
        *_rendering(records["rendering"]),
        *_store(records["store"]),
        *_quantisation(records["store"]),
        *_extraction(records["extraction"]),
        *_stacks(records["stacks"]),
        *scale(records["scale"]),
        *segmentation(records["segmentation"]),
        *(gpu(records["gpu"]) if "gpu" in records else []),
        *never_run(records.get("gpu")),
        "## What was tried and did not help",
        "",
        *[f"- {line}" for line in NO_HELP],
        "",
    ]
    return "\n".join(parts)


def _where(record: dict[str, Any]) -> Sequence[object]:
    machine = record["machine"]
    place = f"{machine['processor']}, {machine['cores']} cores, {machine['gpu'] or 'no GPU'}, {machine['system']}"
    return (
        record["bench"],
        place,
        f"{machine['load_before'][0]:.1f}",
        len(record["inputs"]) or "",
        record.get("pairs", ""),
        record["date"],
    )


def _rendering(record: dict[str, Any]) -> list[str]:
    networks = ("flownet2-s", "flownet2-c", "flownet2-sd")
    milliseconds = record["milliseconds_per_pair"]
    rows = [
        (
            f"renderer, `{setting}`",
            middle(milliseconds[setting], "ms"),
            *(spread(record["rendering_over_training"][f"{setting} / {name}"]) for name in networks),
        )
        for setting in milliseconds
        if setting not in networks
    ]
    steps = [f"`{name}`: {middle(milliseconds[name], 'ms')}" for name in networks]
    return [
        "## The renderer beside the networks that learn from it",
        "",
        f"Time for a pair of {record['height']}x{record['width']} in batches of {record['batch']}, on "
        f"{record['device'].upper()} with {threads(record['threads'])}, over that of a training step (forward, loss, "
        f"backward; {', '.join(steps)} a pair).{busy(record)} Below 1 the renderer keeps up with a network on as many "
        "cores.",
        "",
        *table(("", "a pair", *(f"over `{name}` (less is better)" for name in networks)), rows),
    ]


def _store(record: dict[str, Any]) -> list[str]:
    names = {
        "jpeg": "store, `jpeg` (default)",
        "uint8": "store, `uint8`",
        "float16": "store, `float16`",
        "loose": "two loose JPEGs a pair",
        "flo": "`.flo` files",
    }
    rows = []
    for name, told in names.items():
        size = record["bytes_per_pair"][name]
        per_clip = size["files_per_clip"]
        files = (
            UCF101_CLIPS if per_clip <= 1 else round(UCF101_PAIRS * per_clip * len(record["inputs"]) / record["pairs"])
        )
        whole = f"{size['on_disk'] * UCF101_PAIRS / 1e9:,.0f} GB"
        rows.append((told, f"{size['length'] / 1024:.1f}", f"{size['on_disk'] / 1024:.1f}", whole, f"{files:,}"))
    read, write = record["read"], record["write"]
    speeds = []
    for name, told in {
        **names,
        "loose_pillow": "loose, read with Pillow",
        "loose_synced": "loose, each synced",
    }.items():
        ours = name == "loose"
        if name != "flo":
            speeds.append(
                (
                    told,
                    "1" if ours else spread(write["rate_over_loose"].get(name)),
                    "1" if ours else spread(read["time_over_loose"].get(name)),
                    middle(read["milliseconds"].get(name), "ms"),
                )
            )
    return [
        "## The store beside loose JPEGs",
        "",
        f"Loose JPEGs are what two-stream tools write: `flow_x_00001.jpg` and `flow_y_00001.jpg`, quality 95, bound "
        f"{record['bound']:g}. On disk means blocks of 4 KiB, counted by the file system (ext4). UCF101 is projected "
        f"for {UCF101_CLIPS:,} clips and {UCF101_PAIRS / 1e6:.2f} million pairs.",
        "",
        *table(("layout", "KiB a pair", "KiB a pair on disk", "UCF101 on disk", "files for UCF101"), rows),
        f"Writing is flow in memory to files in one thread ({write['pairs']} pairs a repetition); the store also "
        "measures every field for its header, computes a checksum and syncs each clip to disk, which loose files do "
        f"without. Reading is a stack of {read['fields']} fields in pixels at a random place of a random clip "
        f"({read['reads']} reads, its file opened each time, warm cache, the same JPEG library unless said).",
        "",
        *table(
            ("layout", "write rate over loose (more is better)", "read time over loose (less is better)", "read"),
            speeds,
        ),
    ]


def _quantisation(record: dict[str, Any]) -> list[str]:
    names = {
        "rounding": "store, `uint8` (rounding alone)",
        "jpeg_95": "store, `jpeg` (rounding, JPEG 95)",
        "jpeg_90": "rounding, JPEG 90",
        "flooring": "flooring, as common scripts do",
        "flooring_jpeg_95": "flooring, JPEG 95",
    }
    rows = []
    for name, told in names.items():
        error = record["error"][name]
        bias = f"{error['still_bias']:+.3f}" if abs(error["still_bias"]) >= 0.0005 else "0.000"
        rows.append((told, f"{error['rmse']:.3f}", bias, f"{error['worst']:.2f}"))
    bounds = record["clipped_share"]
    return [
        "## What 8 bits cost",
        "",
        f"Pixels of one component, at bound {record['bound']:g}, over all pixels within the bound; still pixels are "
        f"those that move less than 0.05 px ({record['still_share']:.0%} of them). Flooring is "
        "`(flow + bound) * 255 / (2 * bound)` cut to whole numbers.",
        "",
        *table(("stored as", "RMSE", "mean error of still pixels", "worst"), rows),
        *table(("bound in pixels", *bounds), [("pixels clipped", *(f"{share:.2%}" for share in bounds.values()))]),
    ]


def _extraction(record: dict[str, Any]) -> list[str]:
    told = {
        "extract_dis / estimator": "extraction with `dis` over the estimator alone, on frames in memory",
        "extract_dis / (decoding + estimator + encoding)": "the same over its three parts, one after the other",
        "extract_dis / peer": "the same over a script with OpenCV: VideoCapture, DIS, two imwrite a pair",
        "extract_zero / decoding": "extraction with `zero`, which computes nothing, over decoding alone",
        "decoding / opencv": "decoding alone, with every check, over `cv2.VideoCapture` on all cores",
        "encoding / opencv": "quantising and JPEG alone over the script's, with the same threads",
        "extract_default / default": f"extraction with `{record['default']}` over the network alone, on one clip",
    }
    speeds = {
        "extract_dis": "extraction, `dis`",
        "peer": "script with OpenCV",
        "estimator": "`dis` alone",
        "extract_zero": "extraction, `zero`",
        "decoding": "decoding alone, one process",
        "encoding": "quantising and JPEG alone",
        "extract_default": f"extraction, `{record['default']}`",
        "default": f"`{record['default']}` alone",
    }
    rates = record["pairs_per_second"]
    return [
        "## Extraction, end to end",
        "",
        f"Clips to a synced store with {record['threads']} threads, the estimator loaded beforehand.",
        "",
        *table(
            ("time", "ratio (less is better)"), [(text, spread(record["ratios"][name])) for name, text in told.items()]
        ),
        "For information, on this machine:",
        "",
        *table(("", "pairs a second"), [(text, middle(rates[name], "")) for name, text in speeds.items()]),
    ]


def _stacks(record: dict[str, Any]) -> list[str]:
    readers = {
        "store": "the store",
        "opencv": "loose JPEGs, decoded and resampled by OpenCV",
        "pillow": "loose JPEGs, decoded and resampled by Pillow",
    }
    rows = []
    for workers, result in record["results"].items():
        for name, told in readers.items():
            ours = name == "store"
            rows.append(
                (
                    workers,
                    told,
                    middle(result["stacks_per_second"][name], ""),
                    middle(result["processor_milliseconds"][name], "ms"),
                    "1" if ours else spread(result["rate_over"][name]),
                    "1" if ours else spread(result["processor_over"][name]),
                )
            )
    side = record["side"]
    return [
        "## Stacks for a network",
        "",
        f"Training stacks of `{record['preset']}`, {record['length']} fields each: read, random window, field means "
        f"taken off, resampled to {side}x{side}, mirrored by half, in batches of {record['batch']} for a loader that "
        f"does nothing with them, {record['stacks']} a repetition; worker processes start anew each time. Loose JPEGs "
        "are the store's own planes as files. The processor's time is of all processes together, and says how many "
        f"stacks a second a core can give.{busy(record)}",
        "",
        *table(
            (
                "workers",
                "read from",
                "stacks a second",
                "processor's time a stack",
                "the store's rate over it (more is better)",
                "the store's time over it (less is better)",
            ),
            rows,
        ),
    ]


def read_records() -> dict[str, dict[str, Any]]:
    """The committed records that the page is made from."""
    paths = {name: DOCS / f"records/{name}.json" for name in (*RECORDS, *WHERE_THERE)}
    return {name: json.loads(path.read_text()) for name, path in paths.items() if name in RECORDS or path.exists()}


def main() -> None:
    (DOCS / "performance.md").write_text(render(read_records()), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
