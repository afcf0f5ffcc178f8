"""One process a device, as torchrun starts them."""

import os
from dataclasses import dataclass

import torch
from torch import distributed, nn

from flowfeat.training.objective import Objective


@dataclass(frozen=True)
class Processes:
    """This process among those of the run.

    Attributes:
        device: its own.
        rank, count: which one it is of how many.
        began: they were joined here, and not before by who called, so that it is here that they part.
    """

    device: torch.device
    rank: int = 0
    count: int = 1
    began: bool = False

    def distributed(self, objective: Objective) -> nn.Module:
        """The objective with gradients averaged over all processes."""
        if self.count == 1:
            return objective
        # Losses of one network leave parameters of the others' coarse levels unused.
        return nn.parallel.DistributedDataParallel(
            objective,
            device_ids=[self.device] if self.device.type == "cuda" else None,
            find_unused_parameters=True,
            broadcast_buffers=False,
        )

    def meet(self) -> None:
        """Wait until all processes are here."""
        if self.count > 1:
            distributed.barrier()

    def as_first(self, answer: bool) -> bool:
        """The first process's answer, for all of them."""
        if self.count == 1:
            return answer
        told = torch.tensor(int(answer), device=self.device)
        distributed.broadcast(told, 0)
        return bool(told)


def is_first() -> bool:
    """Whether this is the one process, of those that torchrun started, that speaks to the user."""
    return os.environ.get("RANK", "0") == "0"


def join(device: torch.device) -> Processes:
    """The processes that torchrun started, or this one alone. Within joined processes it joins nothing anew."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        return Processes(device)
    rank = int(os.environ["RANK"])
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    begins = not distributed.is_initialized()
    if begins:
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return Processes(device, rank, count, begins)


def leave(processes: Processes) -> None:
    """End what this `join` began; processes that were joined before it go on."""
    if processes.began and distributed.is_initialized():
        distributed.destroy_process_group()
