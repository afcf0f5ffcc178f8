"""Flow of many clips on disk: one safetensors file a clip, each verifiable by itself."""

from flowfeat.store.header import SCHEMA_VERSION, ClipHeader, SourceFacts
from flowfeat.store.reader import FlowStore, StoredClip
from flowfeat.store.settings import StoreSettings
from flowfeat.store.writer import ClipWriter

__all__ = [
    "SCHEMA_VERSION",
    "ClipHeader",
    "ClipWriter",
    "FlowStore",
    "SourceFacts",
    "StoreSettings",
    "StoredClip",
]
