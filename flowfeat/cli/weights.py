"""`flowfeat weights`: what a checkpoint is, in our layout, and fetched."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tyro.conf import Positional

from flowfeat.cli import DONE
from flowfeat.cli.output import columns, result, result_json, say, size
from flowfeat.cli.progress import CountBar
from flowfeat.errors import InputError
from flowfeat.networks.arithmetic import operations
from flowfeat.networks.zoo import names_of
from flowfeat.weights import Checkpoint, read_checkpoint, write_checkpoint
from flowfeat.weights.download import download, weights_folder
from flowfeat.weights.parts import part_of
from flowfeat.weights.published import PUBLISHED


@dataclass(frozen=True)
class WeightsInspect:
    """Say which network a checkpoint holds, whose it is, and what had to be assumed. Nothing in it is run.

    flowfeat weights inspect FlowNet2_checkpoint.pth.tar
    """

    file: Positional[Path]
    """NVIDIA's .pth.tar, mmflow's .pth, Caffe's .caffemodel or .caffemodel.h5, FlowNetPytorch's, or ours."""
    json: bool = False
    """Print it as JSON on standard output."""

    def run(self) -> int:
        facts = describe_checkpoint(read_checkpoint(self.file))
        result_json(facts) if self.json else result(_lines(facts))
        return DONE


@dataclass(frozen=True)
class WeightsConvert:
    """Write a checkpoint in our layout: safetensors, with what it needs to be run rightly. Its flow stays the same.

    flowfeat weights convert FlowNet2_weights.caffemodel.h5 --out flownet2.safetensors

    flowfeat weights convert flownet2.safetensors --out small.safetensors --eight-bit
    """

    file: Positional[Path]
    """The checkpoint."""
    out: Path
    """The new file, ending in .safetensors."""
    model: str | None = None
    """Write this network alone, where the file has a bigger one; and its name, where several have the same tensors."""
    eight_bit: bool = False
    """Store the weights in 8 bits, a quarter of the size; the flow changes a little."""
    json: bool = False
    """Print what was written as JSON on standard output."""

    def run(self) -> int:
        checkpoint = read_checkpoint(self.file)
        if self.model:
            checkpoint = part_of(checkpoint, self.model)
        write_checkpoint(checkpoint, self.out, storage="int8" if self.eight_bit else "float32")
        facts = describe_checkpoint(read_checkpoint(self.out))
        result_json(facts) if self.json else result(_lines(facts))
        return DONE


@dataclass(frozen=True)
class WeightsDownload:
    """Fetch a published checkpoint; run again to go on where it was cut. Where a checksum was published, it is checked.

    flowfeat weights download flownet2cs_8x1_sfine_flyingthings3d_subset_384x768
    """

    name: Positional[str | None] = None
    """Which one; without it, those that can be fetched are listed."""
    folder: Path | None = None
    """Where it is put; $FLOWFEAT_WEIGHTS, or ~/.cache/flowfeat/weights, if not given."""
    json: bool = False
    """Print the result as JSON on standard output."""

    def run(self) -> int:
        if self.name is None:
            listing = {name: asdict(published) for name, published in PUBLISHED.items()}
            result_json(listing) if self.json else result(_listing())
            return DONE
        if self.name not in PUBLISHED:
            raise InputError(
                f"no checkpoint called {self.name!r} can be fetched; `flowfeat weights download` lists those that can"
            )
        with CountBar("B", scaled=True) as progress:
            path = download(PUBLISHED[self.name], self.folder or weights_folder(), progress)
        published = PUBLISHED[self.name]
        if published.sha256_prefix is None:
            say(f"flowfeat weights download: no checksum of {self.name} was published, so none was checked")
        if self.json:
            result_json({"name": self.name, "file": path, "model": published.model})
        else:
            result(f"{path}\nuse it with --model {published.model} --weights {path}")
        return DONE


def describe_checkpoint(checkpoint: Checkpoint) -> dict[str, Any]:
    """What a checkpoint is, as a table of facts."""
    composition = checkpoint.composition
    return {
        "kind": f"weights of a flow network ({checkpoint.kind})",
        "file": str(checkpoint.path),
        "bytes": checkpoint.path.stat().st_size,
        "sha256": checkpoint.sha256,
        "model": checkpoint.model,
        "names": list(names_of(composition)),
        "width": composition.width,
        "family": checkpoint.family,
        "profile": checkpoint.numerics.name,
        "tensors": len(checkpoint.tensors),
        "parameters": checkpoint.parameters,
        "storage": checkpoint.storage,
        "gflop_256x320": operations(composition, 256, 320) / 1e9,
        "numerics": asdict(checkpoint.numerics),
        "assumptions": list(checkpoint.assumptions()),
        "provenance": checkpoint.provenance,
    }


def _lines(facts: dict[str, Any]) -> str:
    lines = [
        f"{facts['file']}: {facts['model']}, {facts['kind']}",
        f"  family {facts['family']}, run in the profile {facts['profile']}, width {facts['width']:g}",
        f"  {facts['tensors']} tensors, {facts['parameters']:,} parameters, "
        f"{facts['gflop_256x320']:.2f} GFLOP for a pair at 256x320",
        f"  {size(facts['bytes'])}{f' in {stored}' if (stored := facts['storage']) else ''}, sha256 {facts['sha256']}",
    ]
    if len(facts["names"]) > 1:
        lines.append(f"  the same tensors are called {', '.join(facts['names'])}: --model decides")
    lines += [f"  note: {note}" for note in facts["assumptions"]]
    if facts["provenance"]:
        lines.append(f"  made from {facts['provenance']}")
    return "\n".join(lines)


def _listing() -> str:
    table = [("name", "model", "trained on", "checksum", "published endpoint error")]
    for name, published in PUBLISHED.items():
        errors = ", ".join(f"{where} {error:g}" for where, error in published.endpoint_errors.items())
        checked = "yes" if published.sha256_prefix else "none"
        table.append((name, published.model, ", ".join(published.trained_on), checked, errors))
    return columns(table)
