"""Motion segmentation from flow. Knows `flowfeat`; never `recognition`."""
