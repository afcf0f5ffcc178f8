"""The networks of published two-stream systems as torch modules: a stack or a frame in, scores before softmax out."""

from recognition.networks.zoo import NETWORKS, NetworkName, build_network

__all__ = ["NETWORKS", "NetworkName", "build_network"]
