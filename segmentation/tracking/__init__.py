"""Point tracks from flow: where to begin them, when to give them up, and what is known at their points."""

from segmentation.tracking.features import TrackFeatures
from segmentation.tracking.flow_source import FlowStep, estimated_flow, stored_flow
from segmentation.tracking.report import StopCounts, TrackingReport
from segmentation.tracking.settings import PAPER, TrackerSettings
from segmentation.tracking.tracker import Tracking, track

__all__ = [
    "PAPER",
    "FlowStep",
    "StopCounts",
    "TrackFeatures",
    "TrackerSettings",
    "Tracking",
    "TrackingReport",
    "estimated_flow",
    "stored_flow",
    "track",
]
