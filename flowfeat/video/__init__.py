"""Clips in: every frame, in order, once, with the counts that the container and the decoder claim."""

from flowfeat.video.clips import Clip, find_clips, key_of, select_clips
from flowfeat.video.decoder import ClipDecoder, DecodedClip, read_clip
from flowfeat.video.readers import ClipFacts, Ending, FrameSize, probe

__all__ = [
    "Clip",
    "ClipDecoder",
    "ClipFacts",
    "DecodedClip",
    "Ending",
    "FrameSize",
    "find_clips",
    "key_of",
    "probe",
    "read_clip",
    "select_clips",
]
