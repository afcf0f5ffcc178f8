"""Spectral clustering of trajectories (Ochs, Malik & Brox, TPAMI 2014), beside the multicut."""

from segmentation.spectral.cluster import SpectralClusters, spectral_clusters
from segmentation.spectral.settings import PAPER, SpectralSettings

__all__ = ["PAPER", "SpectralClusters", "SpectralSettings", "spectral_clusters"]
