"""In which type the operators sum, whatever type their inputs have."""

import torch
from torch import Tensor


def sum_type(values: Tensor) -> torch.dtype:
    """float32, or float64 for float64."""
    return torch.float64 if values.dtype == torch.float64 else torch.float32
