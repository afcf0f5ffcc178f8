"""The network as training finds it: random or structured, with what the given checkpoints bring."""

from collections.abc import Sequence

import torch
from torch import Tensor

from flowfeat.errors import InputError
from flowfeat.networks.flow_network import FlowNetwork
from flowfeat.networks.numerics import NUMERICS, Numerics
from flowfeat.networks.stack import FlowNetStack
from flowfeat.networks.zoo import named_composition, tensor_shapes
from flowfeat.training.configuration import Configuration
from flowfeat.training.initial import initialise, structure
from flowfeat.training.objective import modules_of, share_stages
from flowfeat.training.units import learning_numerics, to_learn
from flowfeat.weights import Checkpoint
from flowfeat.weights.parts import part_of, tensors_for


def numerics_of(start: Sequence[Checkpoint]) -> Numerics:
    """Those of the checkpoints that a run starts from; of none, the authors'."""
    return start[0].numerics if start else NUMERICS["lmb"]


def starting_network(configuration: Configuration, start: Sequence[Checkpoint]) -> FlowNetwork:
    """The network as training finds it: random, less what the given checkpoints bring, the last of them last.

    A checkpoint brings a part of the network, or the network, or the network as a part of a bigger one.

    Raises InputError where a checkpoint that the configuration starts from is missing, or one does not fit.
    """
    composition = configuration.composition
    for name in configuration.starts_from:
        wanted = named_composition(name)
        if not any(wanted == checkpoint.composition for checkpoint in start):
            raise InputError(f"the configuration starts from weights of {name}: give their file with --start")
    numerics = numerics_of(start)
    for checkpoint in start[1:]:
        if checkpoint.numerics != numerics:
            raise InputError(
                f"{checkpoint.path}: its weights are of other numerics ({checkpoint.numerics.name}) than those of "
                f"{start[0].path} ({numerics.name}); one network can have only one kind"
            )
    network = FlowNetwork(composition, learning_numerics(numerics))
    initialise(network.network, torch.Generator().manual_seed(configuration.seed))
    given = {name: tensor for checkpoint in start for name, tensor in _given(configuration, checkpoint).items()}
    if configuration.initial == "structured":
        for module in modules_of(network.network).values():
            structure(module)
    given = to_learn(given, composition, numerics)
    network.network.load_state_dict({**network.network.state_dict(), **given})
    bare = network.network
    stack = bare if isinstance(bare, FlowNetStack) else None
    brought = stack is not None and any(name.startswith(f"stages.{len(stack.stages) - 1}.") for name in given)
    if configuration.copy_stage and stack is not None and not brought:
        stack.stages[-1].load_state_dict(stack.stages[-2].state_dict())
    if configuration.share_stages and stack is not None:
        share_stages(stack)
    return network


def _given(configuration: Configuration, checkpoint: Checkpoint) -> dict[str, Tensor]:
    if len(tensor_shapes(checkpoint.composition)) > len(tensor_shapes(configuration.composition)):
        checkpoint = part_of(checkpoint, configuration.model)
    return tensors_for(configuration.composition, checkpoint)
