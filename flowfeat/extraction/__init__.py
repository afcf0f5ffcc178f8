"""Clips to a flow store: plan, decode, infer, encode, commit."""

from flowfeat.extraction.forecast import Forecast, forecast
from flowfeat.extraction.options import ExtractionOptions
from flowfeat.extraction.plan import Plan, make_plan
from flowfeat.extraction.repair import repair
from flowfeat.extraction.run import ExtractionReport, extract
from flowfeat.extraction.tally import Progress

__all__ = [
    "ExtractionOptions",
    "ExtractionReport",
    "Forecast",
    "Plan",
    "Progress",
    "extract",
    "forecast",
    "make_plan",
    "repair",
]
