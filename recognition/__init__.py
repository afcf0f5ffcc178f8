"""Two-stream action recognition on stored flow. Knows `flowfeat`; never `segmentation`."""
