"""Everyone's weights of the FlowNet 2.0 family under the names our networks have."""

from flowfeat.weights.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from flowfeat.weights.containers import holds_weights

__all__ = ["Checkpoint", "holds_weights", "read_checkpoint", "write_checkpoint"]
