"""Weights of others, under the names our networks have."""

from flowfeat.weights.nvidia import canonical_name

__all__ = ["canonical_name"]
