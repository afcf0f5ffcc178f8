"""Networks within networks: a stage's weights where they sit in a stack, and a stack's where they sit in FlowNet2."""

from dataclasses import replace

from torch import Tensor

from flowfeat.errors import InputError
from flowfeat.networks.zoo import Composition, name_of, named_composition, names_of, tensor_shapes
from flowfeat.weights.checkpoint import Checkpoint


def tensors_for(composition: Composition, checkpoint: Checkpoint) -> dict[str, Tensor]:
    """The tensors of a checkpoint under the names they have in a bigger network, of which it is a part.

    A stack's parts are its beginnings (C and CS in CSS), the fused network's are those of its stack, and SD; every
    network is a part of itself. In which numerics the weights count is the checkpoint's, and is not looked at.

    Raises InputError where the checkpoint's network is no part of `composition`, or is of another width.
    """
    held, name = checkpoint.composition, name_of(composition)
    before = _places(composition.letters).get(held.letters)
    fitting = _within(composition, held.letters)
    if before is None or held.warping != fitting.warping:
        raise InputError(
            f"{checkpoint.path}: it holds {checkpoint.model}, which is no part of {name}; give weights of "
            f"{_listed(composition)}"
        )
    if held.width != composition.width:
        raise InputError(
            f"{checkpoint.path}: its {checkpoint.model} is of another width than {name}; give weights of "
            f"{name_of(fitting)}"
        )
    if held != fitting:
        which = ("with", "without") if held.upsample_bias else ("without", "with")
        raise InputError(
            f"{checkpoint.path}: its {checkpoint.model} is {which[0]} biases where flow is upsampled, and {name} is to "
            f"be {which[1]}; give weights {which[1]} them"
        )
    return {f"{before}{name}": tensor for name, tensor in checkpoint.tensors.items()}


def part_of(checkpoint: Checkpoint, model: str) -> Checkpoint:
    """The network called `model` out of a checkpoint that holds it, alone or within a bigger one.

    What a part computes is what it computes within the whole, which is in pixels for FlowNet2-SD.

    Raises InputError where the checkpoint does not hold it, or there is no such network.
    """
    held, wanted = checkpoint.composition, named_composition(model)
    before = _places(held.letters).get(wanted.letters) if wanted else None
    part = _within(held, wanted.letters) if wanted else None
    # No name says whether there are biases where flow is upsampled.
    if before is None or part is None or wanted != replace(part, upsample_bias=False):
        raise InputError(
            f"{checkpoint.path}: these are weights of {_listed(held)}, and not of {model}; give a file of "
            f"{model}, or name what is in this one"
        )
    if part == held:
        return replace(checkpoint, model=model)
    return replace(
        checkpoint,
        model=model,
        composition=part,
        numerics=replace(checkpoint.numerics, small_displacement_alone=None),
        tensors={name: checkpoint.tensors[f"{before}{name}"] for name in tensor_shapes(part)},
        provenance={
            "source": checkpoint.path.name,
            "source_sha256": checkpoint.sha256,
            "family": checkpoint.family,
            "part_of": checkpoint.model,
            **({"whole": checkpoint.provenance} if checkpoint.provenance else {}),
        },
    )


def _places(letters: str) -> dict[str, str]:
    """The letters of every network within a network, itself among them, with what stands before its tensors' names."""
    if letters == "fused":
        stack = {part: f"stack.{before}" for part, before in _places("CSS").items()}
        return {"fused": "", **stack, "SD": "small_displacement."}
    if letters == "SD" or len(letters) == 1:
        return {letters: ""}
    return {letters: "", **{letters[:count]: "" for count in range(len(letters) - 1, 1, -1)}, letters[0]: "first."}


def _within(whole: Composition, letters: str) -> Composition:
    """The part with these letters. Some of what a composition says is of the S networks or of stacks alone."""
    stages = len(letters) > 1 and letters != "SD"
    biases = whole.upsample_bias and letters not in ("C", "SD")
    return replace(whole, letters=letters, upsample_bias=biases, warping=whole.warping or not stages)


def _listed(whole: Composition) -> str:
    # Within the fused network the stack is the one that was fine-tuned: the last of its names.
    place = -1 if whole.letters == "fused" else 0
    parts = [_within(whole, letters) for letters in _places(whole.letters)]
    first, *others = [[name for name in names_of(part) if name.startswith("flownet2")][place] for part in parts]
    return f"{first} (in it {', '.join(others)})" if others else first
