"""Every network of the family at 256x320: pairs a second and memory; FlowNet2 and its thin form beside stock code."""

from collections.abc import Callable
from typing import Any

import torch
from drawn_networks import HEIGHT, WIDTH, drawn
from gpu_setting import Parts, Setting, middle
from networks import stock
from torch import Tensor
from variants import NETWORKS

from flowfeat.estimators.cuda_graph import CudaGraphs
from flowfeat.estimators.flownet import _FULL_PRECISION, FlowNet
from flowfeat.estimators.precision import Precision
from flowfeat.estimators.process_setting import ProcessSetting
from flowfeat.networks.arithmetic import operations
from flowfeat.networks.zoo import FAMILY


def _no_tf32() -> Callable[[], None]:
    backends: Any = torch.backends
    places = backends.cudnn.conv, backends.cuda.matmul
    before = [place.fp32_precision for place in places]
    for place in places:
        place.fp32_precision = "ieee"

    def put_back() -> None:
        for place, precision in zip(places, before, strict=True):
            place.fp32_precision = precision

    return put_back


_NO_TF32 = ProcessSetting(_no_tf32)
"""What stock code would do to compute in float32 proper; it may choose its algorithms freely."""

FIRST = ("flownet2", "flownet2-thin")
_SETS = 3


def measure_networks(setting: Setting) -> Parts:
    """First FlowNet2 and flownet2-thin: each batch in float16, the best also in the other types; then the others."""
    height, width = (64, 64) if setting.quick else (HEIGHT, WIDTH)
    yield "size", [height, width]
    batches = (1, 2) if setting.quick else (1, 8, 16, 32, 64, 128)
    names = ("flownet2-thin",) if setting.quick else FIRST
    preferred: Precision = "float16" if setting.on_gpu else "float32"
    bench = _Bench(setting, height, width)
    for name in names:
        ours = bench.ours(name, preferred, batches)
        yield f"{name} {preferred}", ours
        theirs = bench.stock(name, batches[:4])
        yield f"{name} stock", theirs
        yield f"{name} over stock", max(_rates(ours)) / max(_rates(theirs))
        best = max(ours, key=lambda row: row["pairs_per_second"])["batch"]
        others: tuple[Precision, ...] = ("bfloat16", "float32") if setting.on_gpu else ()
        for precision in others:
            yield f"{name} {precision}", bench.ours(name, precision, (best,))
    others_names = ("flownet2-s",) if setting.quick else [name for name in NETWORKS if name not in FIRST]
    for name in others_names:
        yield f"{name} {preferred}", bench.ours(name, preferred, batches[-2:-1])


def _rates(rows: list[dict[str, Any]]) -> list[float]:
    return [row["pairs_per_second"] for row in rows]


class _Bench:
    """Networks on frames of noise of one size."""

    def __init__(self, setting: Setting, height: int, width: int):
        self._setting, self._height, self._width = setting, height, width

    def ours(self, name: str, precision: Precision, batches: tuple[int, ...]) -> list[dict[str, Any]]:
        """A row for each batch: kernels launched one by one and, on a GPU, as a graph; the faster is the rate."""
        estimator = drawn(name, self._setting.device, precision)
        ways = _ways(estimator)
        rate = self._setting.section("ceilings").get("flop_per_second", {}).get(precision)
        rows = []
        for batch in batches:
            row: dict[str, Any] = {"batch": batch, **self._measured(ways, batch)}
            if rate:
                count = operations(FAMILY[name], self._height, self._width)
                row["share_of_rate"] = row["pairs_per_second"] * count / rate
            rows.append(row)
        return rows

    def stock(self, name: str, batches: tuple[int, ...]) -> list[dict[str, Any]]:
        """A row for each batch that fits into memory, float32 without TF32."""
        network = stock(name, self._setting.device)
        return [{"batch": batch, **self._measured({"eager": network}, batch, _NO_TF32)} for batch in batches]

    def _measured(
        self, ways: dict[str, Callable[[Tensor], Tensor]], batch: int, within: ProcessSetting = _FULL_PRECISION
    ) -> dict[str, Any]:
        draws = [self._frames(batch) for _ in range(_SETS)]
        found: dict[str, Any] = {}
        with torch.inference_mode(), within:
            for way, compute in ways.items():
                found[f"{way}_seconds"] = self._setting.seconds(compute, draws)
            if isinstance(graphs := ways.get("graph"), CudaGraphs):
                found["recorded"] = not graphs.fails
            first = next(iter(ways.values()))
            found["peak_bytes"] = self._setting.peak_bytes(lambda: first(draws[0]))
        best = min(middle(found[f"{way}_seconds"]) for way in ways)
        return {"pairs_per_second": batch / best, **found}

    def _frames(self, batch: int) -> Tensor:
        # Drawn on the CPU: after a recording that failed, PyTorch before 2.12 may draw nothing on the GPU.
        shape = (batch, 2, 3, self._height, self._width)
        return torch.randint(0, 256, shape, dtype=torch.uint8).to(self._setting.device)


def _ways(estimator: FlowNet) -> dict[str, Callable[[Tensor], Tensor]]:
    compute = estimator._for_inference().compute
    if isinstance(compute, CudaGraphs):
        return {"eager": compute.forward, "graph": compute}
    return {"eager": compute}
