"""The commands of motion segmentation, `flowfeat segmentation ...`; `pyproject.toml` joins them to `flowfeat`."""
