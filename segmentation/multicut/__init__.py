"""Minimum-cost multicut: how many clusters there are follows from the costs."""

from segmentation.multicut.objective import by_falling_size, components, cut_energy
from segmentation.multicut.solve import Multicut, MulticutSettings, Solver, solve_multicut

__all__ = ["Multicut", "MulticutSettings", "Solver", "by_falling_size", "components", "cut_energy", "solve_multicut"]
