"""The parts of docs/performance.md about operators and networks, from docs/records/networks.json and variants.json."""

from typing import Any

from page_text import busy, middle, spread, table, threads

_BESIDE_STOCK = {
    "correlation": "`correlation` of FlowNetC (1x256x32x40, 441 displacements) over the sum over 441 shifts",
    "warp_clamp": "`warp`, border `clamp`, over building the grid and `grid_sample` with border padding",
    "warp_zeros": "`warp`, border `zeros`, over building the grid and `grid_sample` with zero padding",
    "flownet2": "FlowNet2 over the same network written the stock way",
    "flownet2-thin": "`flownet2-thin` over the same network written the stock way",
}
_IN_HALF = {
    f"{name} {half}": f"{told} in {half} over the same network written the stock way"
    for name, told in (("flownet2", "FlowNet2"), ("flownet2-thin", "`flownet2-thin`"))
    for half in ("float16", "bfloat16")
}

_PAPER = {
    "flownet2-s": 7,
    "flownet2-ss": 14,
    "flownet2-css-ft-sd": 31,
    "flownet2-CSS-ft-sd": 69,
    "flownet2": 123,
}
"""Milliseconds on a GTX 1080 (Ilg et al. 2017), as remembered: the paper could not be looked at here."""


def networks(record: dict[str, Any]) -> list[str]:
    """Markdown, line by line."""
    rows = []
    for name, result in record["results"].items():
        text = (_BESIDE_STOCK | _IN_HALF)[name]
        times = [middle(result["milliseconds"][who], "ms") for who in ("ours", "peer")]
        rows.append((text, spread(result["time_over_peer"]), *times))
    size, place = (
        f"{record['height']}x{record['width']}",
        f"{record['device'].upper()} with {threads(record['threads'])}",
    )
    return [
        "## Operators and networks beside stock PyTorch",
        "",
        f"Pairs of {size}, for networks {record['batch']} at a time, on {place}; float32 unless said. The stock way is "
        "how ports write it: PyTorch's own layers in their default memory format, 441 shifted products, warps by "
        f"`grid_sample`, in float32. Results are compared with the peer's before anything is timed.{busy(record)}",
        "",
        *table(("time", "ratio (less is better)", "ours", "peer"), rows),
    ]


def variants(record: dict[str, Any]) -> list[str]:
    """Markdown, line by line."""
    rows = []
    for name, result in record["results"].items():
        of_family = "gflop" in result
        share = result.get("share_of_rate")
        rows.append(
            (
                f"`{name}`",
                f"{result['parameters'] / 1e6:.1f} M" if of_family else "",
                f"{result['gflop']:.1f}" if of_family else "",
                middle(result["milliseconds"], "ms"),
                f"{1e3 / sorted(result['milliseconds'])[len(result['milliseconds']) // 2]:.3g}",
                spread(result["time_over_flownet2"]),
                f"{share['median']:.0%}" if share else "",
                f"{_PAPER[name]} ms" if name in _PAPER else "",
            )
        )
    rates = record["gflop_per_second"]
    what = {"matrix": "a matrix product of 2048x2048", "convolution": "a 3x3 convolution of 512 channels"}
    told = [f"{what[name]}: {rate:.0f}" for name, rate in rates.items()]
    head = ("", "parameters", "GFLOP", "a pair", "pairs a second", "time over `flownet2` (less is better)")
    return [
        "## Every network",
        "",
        f"Pairs of {record['height']}x{record['width']}, {record['batch']} at a time, on {record['device'].upper()} "
        f"with {record['threads']} threads; frames and flow in memory. The share is of what the machine multiplies "
        f"at its best in float32, {max(rates.values()):.0f} GFLOP/s in the same run ({' and '.join(told)}). RAFT is "
        "torchvision's with 12 updates; OpenCV's methods compute each pair on one thread. The paper's times are on a "
        f"GTX 1080, and remembered.{busy(record)}",
        "",
        *table((*head, "share of the best rate", "paper"), rows),
    ]
