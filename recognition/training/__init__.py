"""Training of one stream: the presets' schedules, and a loop that can be stopped anywhere and goes on to the bit."""

from recognition.training.folds import Fold
from recognition.training.run import TrainingOptions, TrainingOutcome, train
from recognition.training.run_folder import RunFolder
from recognition.training.settings import RunSettings
from recognition.training.trainer import TrainingProgress

__all__ = ["Fold", "RunFolder", "RunSettings", "TrainingOptions", "TrainingOutcome", "TrainingProgress", "train"]
