"""Extraction from clips to a store, beside its own parts alone and beside the script people write with OpenCV.

    python scripts/bench/extraction.py UCF-101 --out docs/records/extraction.json

Everything runs in turn, round by round, on the same clips in one process. The peer reads with cv2.VideoCapture,
computes DIS with OpenCV's own threads and writes two JPEGs a pair; its reading and its JPEGs are also measured alone.
"""

import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import tyro
from einops import rearrange
from jaxtyping import Float32, UInt8
from measure import interleave, ratios, record, spread_clips, write_record
from torch import Tensor
from tyro.conf import Positional

from flowfeat.estimators import load_estimator
from flowfeat.estimators.opencv import import_opencv
from flowfeat.estimators.zoo import DEFAULT_MODEL
from flowfeat.extraction import ExtractionOptions, extract
from flowfeat.store import StoreSettings
from flowfeat.store.encoding import encode_field, stored_values
from flowfeat.store.settings import JPEG_QUALITY
from flowfeat.video import Clip, ClipDecoder

BOUND = 20.0
BATCH = 16
SUMMED = ("decoding", "estimator", "encoding")


@dataclass(frozen=True)
class Arguments:
    """Measure extraction on real clips and write the record."""

    clips_folder: Positional[Path]
    """A folder of clips, best UCF-101."""
    out: Path
    """The record, JSON."""
    clips: int = 6
    """How many clips, spread through the folder."""
    repetitions: int = 5
    """Rounds in which everything is measured once."""


class Contest:
    """The contestants on the same clips; each call does all of the clips once."""

    def __init__(self, clips: list[Clip], scratch: Path):
        self._clips, self._scratch = clips, scratch
        self._rounds = 0
        self._threads = os.cpu_count() or 1
        self._estimators = {
            name: load_estimator(name, None, "cpu", self._threads) for name in ("dis", "zero", DEFAULT_MODEL)
        }
        self._frames = self.decode()
        self._flows = self.estimate()
        self.pairs, self.pairs_of_one = sum(map(len, self._flows)), len(self._flows[0])

    def extract(self, model: str, clips: int | None = None) -> None:
        """Clips to a new store, with the estimator loaded beforehand; all of them, or the first ones."""
        self._rounds += 1
        options = ExtractionOptions(out=self._scratch / f"{model}{self._rounds}", model=model, bound=BOUND, batch=BATCH)
        report = extract([clip.path for clip in self._clips[:clips]], options, [self._estimators[model]])
        pairs = sum(map(len, self._flows[:clips]))
        if report.pairs != pairs:
            raise RuntimeError(f"{report.pairs} pairs were extracted of {pairs}: {report.failed}")

    def decode(self) -> list[UInt8[np.ndarray, "t h w 3"]]:
        """Decoding alone, in one process, as the pipeline has for two processors."""
        with ClipDecoder() as decoder:
            return [np.concatenate(list(decoder.open(clip.path))) for clip in self._clips]

    def estimate(self, model: str = "dis", clips: int | None = None) -> list[Float32[Tensor, "t 2 h w"]]:
        """An estimator alone, on frames in memory, in batches of the same size and with the same threads."""
        flows = []
        for frames in self._frames[:clips]:
            pairs = rearrange(torch.from_numpy(np.stack([frames[:-1], frames[1:]], 1)), "b p h w c -> b p c h w")
            flows.append(torch.cat([self._estimators[model](batch) for batch in pairs.split(BATCH)]))
        return flows

    def encode(self) -> None:
        """Quantising and JPEG alone, of flow in memory, with the same threads."""
        settings = self._settings()
        with ThreadPoolExecutor(self._threads) as pool:
            for flow in self._flows:
                for batch in flow.split(BATCH):
                    list(pool.map(encode_field, stored_values(batch, settings), [settings] * len(batch)))

    def decode_with_opencv(self) -> None:
        """The same frames by cv2.VideoCapture, with the threads that it takes."""
        cv2 = import_opencv()
        for clip, frames in zip(self._clips, self._frames, strict=True):
            capture, read = cv2.VideoCapture(str(clip.path)), []
            while len(read) < len(frames):
                read.append(cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2RGB))
            np.stack(read)

    def encode_with_opencv(self) -> None:
        """Quantising as scripts do and cv2.imencode, of the same flow with the same threads."""
        cv2 = import_opencv()
        quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]

        def encode(field: np.ndarray) -> None:
            for plane in np.clip((field + BOUND) * (255 / (2 * BOUND)), 0, 255).astype(np.uint8):
                cv2.imencode(".jpg", plane, quality)

        with ThreadPoolExecutor(self._threads) as pool:
            for flow in self._flows:
                list(pool.map(encode, flow.numpy()))

    def peer(self) -> None:
        """The usual script: read, grey, DIS, two JPEGs a pair, one thing after the other."""
        self._rounds += 1
        cv2 = import_opencv()
        for clip in self._clips:
            folder = self._scratch / f"peer{self._rounds}" / clip.key
            folder.mkdir(parents=True)
            capture, dis = (
                cv2.VideoCapture(str(clip.path)),
                cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM),
            )
            _, frame = capture.read()
            before, number = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), 0
            while True:
                there, frame = capture.read()
                if not there:
                    break
                number += 1
                grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
                flow = dis.calc(before, grey, None)
                levels = np.clip((flow + BOUND) * (255 / (2 * BOUND)), 0, 255).astype(np.uint8)
                cv2.imwrite(str(folder / f"flow_x_{number:05d}.jpg"), levels[..., 0])
                cv2.imwrite(str(folder / f"flow_y_{number:05d}.jpg"), levels[..., 1])
                before = grey

    def _settings(self) -> StoreSettings:
        return ExtractionOptions(out=Path(), bound=BOUND).settings(self._estimators["dis"])


def main(arguments: Arguments) -> None:
    clips = spread_clips(arguments.clips_folder, arguments.clips)
    with tempfile.TemporaryDirectory() as scratch:
        contest = Contest(clips, Path(scratch))
        seconds = interleave(
            {
                "extract_dis": lambda: contest.extract("dis"),
                "estimator": contest.estimate,
                "peer": contest.peer,
                "extract_zero": lambda: contest.extract("zero"),
                "decoding": contest.decode,
                "encoding": contest.encode,
                "decoding_opencv": contest.decode_with_opencv,
                "encoding_opencv": contest.encode_with_opencv,
            },
            arguments.repetitions,
        )
        # Of one clip, because a network takes long.
        of_network = interleave(
            {
                "extract_default": lambda: contest.extract(DEFAULT_MODEL, 1),
                "default": lambda: contest.estimate(DEFAULT_MODEL, 1),
            },
            arguments.repetitions,
        )
    floors = [sum(times) for times in zip(*(seconds[name] for name in SUMMED), strict=True)]
    results = {
        "pairs": contest.pairs,
        "threads": os.cpu_count(),
        "seconds": seconds | of_network,
        "default": DEFAULT_MODEL,
        "pairs_of_default": contest.pairs_of_one,
        "pairs_per_second": {name: [contest.pairs / each for each in times] for name, times in seconds.items()}
        | {name: [contest.pairs_of_one / each for each in times] for name, times in of_network.items()},
        "ratios": {
            "extract_dis / estimator": ratios(seconds["extract_dis"], seconds["estimator"]),
            "extract_dis / (decoding + estimator + encoding)": ratios(seconds["extract_dis"], floors),
            "extract_dis / peer": ratios(seconds["extract_dis"], seconds["peer"]),
            "decoding / opencv": ratios(seconds["decoding"], seconds["decoding_opencv"]),
            "encoding / opencv": ratios(seconds["encoding"], seconds["encoding_opencv"]),
            "extract_zero / decoding": ratios(seconds["extract_zero"], seconds["decoding"]),
            "extract_default / default": ratios(of_network["extract_default"], of_network["default"]),
        },
    }
    write_record(arguments.out, record("extraction", clips, results))


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Arguments, config=(tyro.conf.FlagCreatePairsOff,))))
