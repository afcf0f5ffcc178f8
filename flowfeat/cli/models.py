"""`flowfeat models`: the table of models."""

from dataclasses import dataclass
from typing import Any

from flowfeat.benchmarks import measured_errors
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
        errors = measured_errors()
        rows = {name: _row(entry, errors.get(name)) for name, entry in model_entries().items()}
        rows["files:DIR"] = {
            "method": "flow computed elsewhere: DIR/CLIP/*.flo, .png, .pfm or .npy",
            "needs": "the files",
            "parameters": None,
            "gflop_256x320": None,
            "endpoint_error_middlebury": None,
        }
        if self.json:
            result_json({"default": DEFAULT_MODEL, "models": rows})
            return DONE
        header = ("model", "parameters", "GFLOP", "error", "needs", "method")
        result(columns([header, *((name, *_text(row)) for name, row in rows.items())], right=(1, 2, 3)))
        result("GFLOP: for one pair at 256x320. error: in pixels, measured on four Middlebury pairs.")
        result("NAME@WIDTH: a FlowNet with WIDTH times the channels.")
        result("+v behind a name adds variational refinement (extra opencv).")
        result(f"default: {DEFAULT_MODEL}")
        return DONE


def _row(entry: ModelEntry, error: float | None) -> dict[str, Any]:
    network = entry.composition
    return {
        "method": entry.method,
        "needs": entry.needs,
        "parameters": parameters(network) if network else None,
        "gflop_256x320": operations(network, 256, 320) / 1e9 if network else None,
        "endpoint_error_middlebury": error,
    }


def _text(row: dict[str, Any]) -> tuple[str, ...]:
    count, gflop, error = row["parameters"], row["gflop_256x320"], row["endpoint_error_middlebury"]
    numbers = (f"{count:,}" if count else "", f"{gflop:.2f}" if gflop else "", f"{error:.3f}" if error else "")
    return (*numbers, row["needs"], row["method"])
