"""Scores of clips from scores of their views, by one process or by several with the same result.

A batch of views is the same whoever computes it; each is computed once, however many processes there are, and none is
filled up.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from einops import rearrange, reduce
from jaxtyping import Float32
from torch import Tensor, nn

from flowfeat.training.distributed import Processes
from recognition.presets import Preset
from recognition.stacks import TestViews, view_batches
from recognition.training.settings import Precision

_IMAGES = 64
"""What is given to a network at a time, about."""


@torch.no_grad()
def scores_of_views(
    network: nn.Module,
    views: TestViews,
    preset: Preset,
    precision: Precision,
    processes: Processes,
    workers: int,
    progress: Callable[[int, int | None], None] | None = None,
) -> Float32[Tensor, "clips classes"]:
    """The mean of each clip's scores over its views (Simonyan and Zisserman, 2014, section 5).

    Args:
        network: of the preset, on this process's device; it is left in evaluation mode.
        views: of the clips.
        preset: says whether scores are averaged after the softmax or before it.
        precision: of the forward pass.
        processes: this one among those that share the work; all of them get all scores.
        workers: processes that read, for each.
        progress: called by each process with the stacks that it has done and is to do.
    """
    network.eval()
    crops, total = int(views.crops), len(views)
    at_once = max(1, _IMAGES // crops)
    starts = range(0, total, at_once)[processes.rank :: processes.count]
    found: Tensor | None = None
    done, to_do = 0, sum(min(at_once, total - start) for start in starts)
    for batch in view_batches(views, at_once, workers, processes.rank, processes.count):
        images = rearrange(batch.stacks.to(processes.device, non_blocking=True), "b crops c h w -> (b crops) c h w")
        with autocast(precision, processes.device):
            scores = network(images.contiguous(memory_format=torch.channels_last)).float()
        scores = scores.softmax(1) if preset.averaged == "softmax" else scores
        if found is None:
            found = torch.zeros(total, scores.shape[1])
        found[batch.clips * views.views + batch.views] = reduce(
            scores, "(b crops) classes -> b classes", "mean", crops=crops
        ).cpu()
        done += len(batch.clips)
        if progress is not None:
            progress(done, to_do)
    whole = _of_all_processes(found, total, processes)
    # In float64, so that the mean of softmax scores sums to 1 as closely as one of them does.
    return reduce(whole.double(), "(clips stacks) classes -> clips classes", "mean", stacks=views.views).float()


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """Within this block networks compute in this precision."""
    return torch.autocast(device.type, torch.bfloat16) if precision == "bf16" else nullcontext()


def _of_all_processes(found: Tensor | None, rows: int, processes: Processes) -> Tensor:
    """The rows that each process has, all in one table; a row is zero but in one of them, so the sum is exact."""
    if processes.count == 1:
        assert found is not None
        return found
    columns = torch.tensor([0 if found is None else found.shape[1]], device=processes.device)
    torch.distributed.all_reduce(columns, torch.distributed.ReduceOp.MAX)
    table = torch.zeros(rows, int(columns)) if found is None else found
    table = table.to(processes.device)
    torch.distributed.all_reduce(table)
    return table.cpu()
