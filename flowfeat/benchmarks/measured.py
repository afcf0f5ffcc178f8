"""Errors of models as they were measured for this version, from the records in the package."""

from importlib.resources import as_file, files

from flowfeat.benchmarks.record import read_record


def measured_errors() -> dict[str, float]:
    """The endpoint error in pixels of each measured model on the four Middlebury pairs of the committed record."""
    with as_file(files("flowfeat.benchmarks") / "records" / "middlebury.json") as path:
        return {model.model.model: model.endpoint_error for model in read_record(path).models}
