"""Every way to get flow, behind one small protocol. Names are resolved here and nowhere else."""

from flowfeat.estimators.protocol import EstimatorDescription, FlowEstimator, Pair
from flowfeat.estimators.zoo import DEFAULT_MODEL, ModelEntry, load_estimator, model_entries

__all__ = [
    "DEFAULT_MODEL",
    "EstimatorDescription",
    "FlowEstimator",
    "ModelEntry",
    "Pair",
    "load_estimator",
    "model_entries",
]
