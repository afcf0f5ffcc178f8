"""The application table: any flow method, measured by what its flow is for (FlowNet 2.0, Table 5).

    options -> cells (one record each, on disk) -> table -> Markdown, CSV, JSON, LaTeX, one HTML page

A package beside its script, and of neither `recognition` nor `segmentation`: it is the one place that knows both.
"""
