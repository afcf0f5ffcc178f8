"""Dense masks from sparse labels."""

from segmentation.dense.densify import Dense, DenseSettings, densify

__all__ = ["Dense", "DenseSettings", "densify"]
