"""The part of docs/performance.md about scale, from docs/records/scale.json."""

from typing import Any

from page_text import table, when

_STAGES = {
    "plan": "planned, nothing stored",
    "plan_resumed": "planned, all but the last 100 stored",
    "extract_last": "planned, the last 100 extracted with `zero`",
    "verify": "verified",
}


def scale(record: dict[str, Any]) -> list[str]:
    """Markdown, line by line; sections that the record lacks are left out."""
    sections = {"clips": _clips, "store": _store, "length": _length, "resolution": _resolution, "kills": _kills}
    lines = [
        "## Scale",
        "",
        "Every measurement is of a process of its own. Its memory is the most that was resident at once; what the "
        "libraries alone take, before there is anything to do, is given beside it or taken off where it says so.",
        "",
    ]
    for name, told in sections.items():
        if name in record:
            lines += [*told(record[name]), when(record[name]), ""]
    return lines


def _clips(section: dict[str, Any]) -> list[str]:
    rows = []
    for count, stages in section["counts"].items():
        for stage, told in _STAGES.items():
            found, clips = stages[stage], int(count)
            above = found["peak_bytes"] - found["base_bytes"]
            rows.append(
                (
                    f"{clips:,}",
                    told,
                    f"{found['seconds']:.1f}",
                    f"{1000 * found['seconds'] / clips:.2f}",
                    _mib(found["peak_bytes"]),
                    _mib(above),
                )
            )
    return [
        f"Numbers of clips: files of {section['frames']} frames of {section['width']}x{section['height']}, "
        "100 in a folder. Memory above the libraries' is what grows, by the names and sizes of the clips; a folder of "
        "no clip at all has some of it too.",
        "",
        *table(("clips", "", "seconds", "seconds for 1,000 clips", "MiB", "MiB above the libraries"), rows),
    ]


def _store(section: dict[str, Any]) -> list[str]:
    rows = []
    for count, stages in section["counts"].items():
        stacks, verified, clips = stages["stacks"], stages["verify"], int(count)
        rows.append(
            (
                f"{clips:,}",
                f"{clips * section['fields']:,}",
                f"{stacks['listing_seconds']:.2f}",
                f"{1e3 * stacks['seconds_per_stack']:.2f}",
                _mib(stacks["peak_bytes"] - stacks["base_bytes"]),
                f"{verified['seconds']:.0f}",
                _mib(verified["peak_bytes"] - verified["base_bytes"]),
            )
        )
    return [
        f"Stores of clips of {section['fields']} fields of {section['width']}x{section['height']}; UCF101 has 13,320 "
        f"clips. {section['stacks']:,} stacks of {section['length']} fields are read at random places of random clips, "
        "each clip opened anew.",
        "",
        *table(
            (
                *("clips", "fields", "seconds to list", "ms a stack", "MiB above the libraries"),
                *("seconds to verify", "MiB above the libraries"),
            ),
            rows,
        ),
    ]


def _length(section: dict[str, Any]) -> list[str]:
    rows = [
        (
            f"{run['minutes']} min",
            f"`{run['model']}`" + (f" at {run['resize']}" if run["resize"] else ""),
            f"{run['pairs']:,}",
            f"{run['pairs_per_second']:.0f}",
            _mib(run["peak_bytes"]),
            _mib(run["decoder_peak_bytes"]),
            _mib(run["stored_bytes"]),
        )
        for run in section["runs"]
    ]
    return [
        f"Lengths of a clip of {section['width']}x{section['height']}, {section['fps']} frames a second. What is to be "
        "stored of a clip stays in memory up to 32 MiB and lies on the disk beyond that.",
        "",
        *table(
            ("length", "flow", "pairs", "pairs a second", "MiB", "MiB of the decoding process", "MiB stored"),
            rows,
        ),
    ]


def _resolution(section: dict[str, Any]) -> list[str]:
    rows = [
        (
            f"`{run['model']}`",
            f"{run['width']}x{run['height']}",
            run["batch"],
            f"{run['seconds_per_pair']:.3g}",
            f"{run['seconds_per_megapixel']:.3g}",
            _mib(run["peak_bytes"]),
        )
        for name in ("sizes", "batches")
        for run in section[name]
    ]
    return [
        "Resolution and batch, flow of frames in memory; libraries take "
        f"{_mib(section['sizes'][0]['base_bytes'])} MiB of it:",
        "",
        *table(("flow", "frames", "batch", "seconds a pair", "seconds a megapixel", "MiB"), rows),
    ]


def _kills(section: dict[str, Any]) -> list[str]:
    return [
        f"Runs killed: {section['kills']} at random moments, of an extraction of {section['clips']} clips of "
        f"{section['frames']} frames that takes {section['seconds_of_a_run']:.1f} s, begun anew each time it had "
        f"come to its end ({section['stores_completed']} times). After each kill no clip that had been stored was "
        "gone, changed or made again, and each store in the end was that of a run that was not killed, byte for byte; "
        f"beside the clips {section['partial_files']} half-written files lay, which no reader takes for clips."
    ]


def _mib(count: int) -> str:
    return f"{count / 2**20:,.0f}"
