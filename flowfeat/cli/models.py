"""`flowfeat models`: the table of models."""

from dataclasses import dataclass

from flowfeat.cli import DONE
from flowfeat.cli.output import result, result_json
from flowfeat.estimators import DEFAULT_MODEL, model_entries


@dataclass(frozen=True)
class Models:
    """List the models that --model takes.

    flowfeat models
    """

    json: bool = False
    """Print the table as JSON on standard output."""

    def run(self) -> int:
        rows = {name: {"method": entry.method, "needs": entry.needs} for name, entry in model_entries().items()}
        rows["files:DIR"] = {
            "method": "flow computed elsewhere: DIR/CLIP/*.flo, .png, .pfm or .npy",
            "needs": "the files",
        }
        if self.json:
            result_json({"default": DEFAULT_MODEL, "models": rows})
            return DONE
        widths = [max(map(len, rows)), max(len(row["needs"]) for row in rows.values())]
        for name, row in rows.items():
            result(f"{name:<{widths[0]}}  {row['needs']:<{widths[1]}}  {row['method']}")
        result("+v behind a name adds variational refinement (extra opencv).")
        result(
            f"default: {DEFAULT_MODEL or 'none in this version, as it carries no weights; name a model with --model'}"
        )
        return DONE
