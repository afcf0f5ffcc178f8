"""Everyone's weights of the FlowNet 2.0 family under the names our networks have."""

from flowfeat.weights.checkpoint import Checkpoint, read_checkpoint, write_checkpoint

__all__ = ["Checkpoint", "read_checkpoint", "write_checkpoint"]
