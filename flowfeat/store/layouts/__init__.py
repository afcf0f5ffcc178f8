"""A flow store in other tools' folders, and other tools' folders as a flow store."""

from flowfeat.store.layouts.export import ExportReport, export_store
from flowfeat.store.layouts.importing import ImportReport, import_layout
from flowfeat.store.layouts.layout import LAYOUTS, Layout

__all__ = ["LAYOUTS", "ExportReport", "ImportReport", "Layout", "export_store", "import_layout"]
