"""The weights that the package itself carries: one file with flownet2-thin, and with the networks it is made of."""

from importlib.resources import as_file, files

from flowfeat.weights.checkpoint import Checkpoint, read_checkpoint

_FILE = files("flowfeat.weights") / "default" / "flownet2-thin.safetensors"

_WITHIN = "as the fine-tuned stack holds it"

# Without flownet2-css: the file has that stack fine-tuned alone.
EMBEDDED: dict[str, str | None] = {
    "flownet2-thin": None,
    "flownet2-css-ft-sd": None,
    "flownet2-cs": _WITHIN,
    "flownet2-c": _WITHIN,
    "flownet2-sd": None,
}
"""The networks in the package's own file, each with what sets it apart from the paper's network of that name."""


def read_embedded() -> Checkpoint:
    """The package's own weights. Raises FormatError where the file is damaged."""
    with as_file(_FILE) as path:
        return read_checkpoint(path)
