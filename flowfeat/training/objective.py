"""Which networks of a composition learn, and from which errors."""

from collections.abc import Mapping

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from flowfeat.networks.blocks import FLOW_SCALE
from flowfeat.networks.flow_network import FlowNetwork
from flowfeat.networks.flownet2 import FlowNet2
from flowfeat.networks.flownet_sd import FlowNetSD
from flowfeat.networks.stack import FlowNetStack
from flowfeat.training.configuration import Loss, networks_of
from flowfeat.training.losses import multiscale_loss


class Objective(nn.Module):
    """A network and its loss in one module, as distributed training wants it."""

    def __init__(self, flow_network: FlowNetwork, loss: Loss):
        super().__init__()
        self.flow_network, self.loss = flow_network, loss
        self._counted = loss.networks or networks_of(flow_network.composition)[-1:]

    def forward(
        self, frames: Float[Tensor, "b 2 3 h w"], flow: Float[Tensor, "b 2 h w"], valid: Bool[Tensor, "b h w"]
    ) -> Float[Tensor, ""]:
        """The loss of a batch; sides are multiples of 64. Networks that do not learn leave nothing to differentiate."""
        levels = self._levels(self.flow_network.prepare(frames))
        total = flow.new_zeros(())
        for name in self._counted:
            truth = flow / self._unit(name)
            total = total + multiscale_loss(
                levels[name], truth, valid, self.loss.weights, self.loss.exponent, self.loss.epsilon
            )
        return total

    def _levels(self, images: Float[Tensor, "b 6 h w"]) -> Mapping[str, list[Tensor]]:
        network = self.flow_network.network
        names = networks_of(self.flow_network.composition)
        if isinstance(network, FlowNet2):
            stack, small, fused = network.parts(images)
            return dict(zip(names, [*stack, small, fused], strict=True))
        if isinstance(network, FlowNetStack):
            return dict(zip(names, network(images), strict=True))
        return {names[0]: network(images)}

    def _unit(self, name: str) -> float:
        """Pixels for one unit of a network's output."""
        if name == "fusion":
            return 1.0
        return self.flow_network.numerics.small_displacement_scale if name == "sd" else FLOW_SCALE


def modules_of(network: nn.Module) -> dict[str, nn.Module]:
    """The networks of a composition by what configurations call them."""
    if isinstance(network, FlowNet2):
        return {**modules_of(network.stack), "sd": network.small_displacement, "fusion": network.fusion}
    if isinstance(network, FlowNetStack):
        return {f"net{place}": part for place, part in enumerate([network.first, *network.stages], 1)}
    return {"sd" if isinstance(network, FlowNetSD) else "net1": network}


def share_stages(stack: FlowNetStack) -> None:
    """All networks behind the first become one, with one set of weights."""
    stack.stages = nn.ModuleList([stack.stages[0]] * len(stack.stages))


def set_trained(network: nn.Module, train: Mapping[str, int], step: int) -> None:
    """Let those networks learn whose first step has come."""
    for name, module in modules_of(network).items():
        learns = name in train and step >= train[name]
        for parameter in module.parameters():
            parameter.requires_grad_(learns)


def optimiser_groups(network: nn.Module, train: Mapping[str, int], weight_decay: float) -> list[dict]:
    """Parameters that learn now or later: weights, which decay, and biases, which do not."""
    modules = [module for name, module in modules_of(network).items() if name in train]
    parameters = list({id(p): p for module in modules for p in module.parameters()}.values())
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


def gradient_norm(parameters: list[nn.Parameter], clip: float) -> Tensor:
    """The norm of the gradient, which is cut to `clip` where that is above 0."""
    return nn.utils.clip_grad_norm_(parameters, clip if clip > 0 else torch.inf)
