"""Runs over the shots of an input: what there is to segment, results on disk, shots in parallel, resumed."""
