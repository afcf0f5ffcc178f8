"""Small stores made for tests, through the writer that extraction uses."""

from pathlib import Path

import numpy as np
import torch

from flowfeat.store import ClipWriter, SourceFacts, StoreSettings
from flowfeat.store.encoding import encode_field, encode_rgb, stored_values
from flowfeat.store.quantise import measure
from flowfeat.store.records import claim_store


def settings(encoding: str = "jpeg", backward: bool = False, frames: bool = False, step: int = 1) -> StoreSettings:
    return StoreSettings(
        model="test",
        library="none",
        parameters={},
        weights_sha256=None,
        encoding=encoding,  # type: ignore[arg-type]
        bound=None if encoding == "float16" else 20.0,
        quality=95 if encoding == "jpeg" or frames else None,
        resize=None,
        step=step,
        backward=backward,
        frames=frames,
    )


def smooth_flow(fields: int, height: int = 48, width: int = 64, largest: float = 15.0, seed: int = 0) -> torch.Tensor:
    """Flow as real flow is: smooth, with still regions; (fields, 2, height, width), pixels."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(fields, 2, 4, 5, generator=generator)
    flow = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic", align_corners=False)
    flow = flow * (largest / flow.abs().max())
    flow[..., : height // 4, :] = 0
    return flow


def write_stored_clip(
    store: Path, key: str, of: StoreSettings, flow: torch.Tensor, backward: torch.Tensor | None = None
) -> None:
    """Write `flow`, (fields, 2, h, w), as the clip `key`."""
    store.mkdir(parents=True, exist_ok=True)
    claim_store(store, of)
    height, width = flow.shape[-2:]
    with ClipWriter(store, key, of, height, width) as writer:
        for direction, fields in [("forward", flow), ("backward", backward)]:
            if fields is None:
                continue
            writer.count(measure(fields, of.bound))
            for field in fields:
                writer.append_fields(direction, encode_field(stored_values(field[None], of)[0], of))
        count = len(flow) + of.step
        if of.frames:
            for frame in np.random.default_rng(1).integers(0, 256, (count, height, width, 3), dtype=np.uint8):
                writer.append_frames(encode_rgb(frame))
        writer.commit(
            SourceFacts(f"{key}.avi", 1234, "0" * 64, "decord 0.6.0", count, count, 0, 0, 25.0, height, width)
        )
