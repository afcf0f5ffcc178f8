"""Two-stream experiments: both streams on every split, their fusions, the baseline and the report, in one folder."""

from recognition.two_stream.conduct import conduct
from recognition.two_stream.forecast import Forecast, forecast
from recognition.two_stream.outcome import Outcome, PartOutcome, Watch
from recognition.two_stream.plan import Plan, TwoStreamOptions, make_plan

__all__ = [
    "Forecast",
    "Outcome",
    "PartOutcome",
    "Plan",
    "TwoStreamOptions",
    "Watch",
    "conduct",
    "forecast",
    "make_plan",
]
