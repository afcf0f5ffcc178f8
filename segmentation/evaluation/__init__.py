"""Evaluators of motion segmentation. A score says which protocol it is of: the same masks get another in each."""
