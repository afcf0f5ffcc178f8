"""Training of the family: schedules, losses and augmentation of the paper, and a loop that can be stopped anywhere."""

from flowfeat.training.configuration import Configuration, configuration_names, read_configuration
from flowfeat.training.run import train
from flowfeat.training.trainer import TrainingProgress

__all__ = ["Configuration", "TrainingProgress", "configuration_names", "read_configuration", "train"]
