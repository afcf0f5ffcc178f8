"""`flowfeat models`: the table of models."""

from dataclasses import dataclass
from typing import Any

from flowfeat.cli import DONE
from flowfeat.cli.output import columns, result, result_json
from flowfeat.estimators import DEFAULT_MODEL, ModelEntry, model_entries
from flowfeat.networks.arithmetic import operations, parameters


@dataclass(frozen=True)
class Models:
    """List the models that --model takes.

    flowfeat models
    """

    json: bool = False
    """Print the table as JSON on standard output."""

    def run(self) -> int:
        rows = {name: _row(entry) for name, entry in model_entries().items()}
        rows["files:DIR"] = {
            "method": "flow computed elsewhere: DIR/CLIP/*.flo, .png, .pfm or .npy",
            "needs": "the files",
            "parameters": None,
            "gflop_256x320": None,
        }
        if self.json:
            result_json({"default": DEFAULT_MODEL, "models": rows})
            return DONE
        header = ("model", "parameters", "GFLOP", "needs", "method")
        result(columns([header, *((name, *_text(row)) for name, row in rows.items())], right=(1, 2)))
        result("GFLOP: for one pair at 256x320. NAME@WIDTH: a FlowNet with WIDTH times the channels.")
        result("+v behind a name adds variational refinement (extra opencv).")
        result(
            f"default: {DEFAULT_MODEL or 'none in this version, as it carries no weights; name a model with --model'}"
        )
        return DONE


def _row(entry: ModelEntry) -> dict[str, Any]:
    network = entry.composition
    return {
        "method": entry.method,
        "needs": entry.needs,
        "parameters": parameters(network) if network else None,
        "gflop_256x320": operations(network, 256, 320) / 1e9 if network else None,
    }


def _text(row: dict[str, Any]) -> tuple[str, str, str, str]:
    count, gflop = row["parameters"], row["gflop_256x320"]
    return (f"{count:,}" if count else "", f"{gflop:.2f}" if gflop else "", row["needs"], row["method"])
