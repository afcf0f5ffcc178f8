"""OpenCV's classical methods: DIS, TV-L1, Farneback, DeepFlow, PCA-Flow, and variational refinement over any flow.

OpenCV splits some of these among threads in a way that changes the result (DIS propagates matches within a stripe,
one stripe a thread), so each pair is computed on one thread and the pairs of a batch run beside each other.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import repeat
from types import ModuleType
from typing import Any

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float32, UInt8
from torch import Tensor

from flowfeat.errors import InputError
from flowfeat.estimators.process_setting import ProcessSetting
from flowfeat.estimators.protocol import EstimatorDescription, FlowEstimator, Pair

Grey = UInt8[np.ndarray, "h w"]
Field = Float32[np.ndarray, "h w 2"]

_SMALL = 64
"""Sides in pixels, below which methods keep no state between pairs."""


def import_opencv() -> ModuleType:
    """OpenCV with its contributed modules. Raises InputError, saying how to install it, where it is missing."""
    try:
        import cv2
    except ImportError as fault:
        raise InputError("this model needs OpenCV: pip install 'flowfeat[opencv]'") from fault
    return cv2


class OpenCVEstimator(FlowEstimator):
    """One of OpenCV's dense methods on grey frames, with the library's default parameters.

    Its objects keep buffers between calls, so every thread makes its own, and a new one for every small pair: DIS
    takes other scales for frames of less than 44 pixels and stays with them whatever comes after.
    """

    def __init__(self, model: str, make: Callable[[ModuleType], Any], parameters: dict[str, Any], threads: int):
        cv2 = import_opencv()
        self._cv2, self._make = cv2, make
        self._pool = ThreadPoolExecutor(threads)
        self._of_thread = threading.local()
        self.description = EstimatorDescription(model, f"opencv {cv2.__version__}", parameters)
        self._new_method()  # a method this build of OpenCV lacks is found now, not at the first clip

    def estimate(self, frames: UInt8[Tensor, "b 2 3 h w"], pairs: Sequence[Pair] | None) -> Float32[Tensor, "b 2 h w"]:
        height, width = frames.shape[-2:]
        if min(height, width) < 16:
            raise InputError(f"{self.description.model} needs frames of at least 16x16 pixels, not {width}x{height}")
        return fields_of_pairs(self._cv2, self._pool, self._flow, frames, repeat(None))

    def _flow(self, first: Grey, second: Grey, start: None) -> Field:
        if min(first.shape) < _SMALL:
            method = self._new_method()
        else:
            method = getattr(self._of_thread, "method", None)
            if method is None:
                method = self._of_thread.method = self._new_method()
        return np.asarray(method.calc(first, second, None), np.float32)

    def _new_method(self) -> Any:
        try:
            return self._make(self._cv2)
        except AttributeError as fault:
            raise InputError(
                f"this OpenCV {self._cv2.__version__} has no {self.description.model}: "
                "pip install opencv-contrib-python-headless in place of the other opencv packages"
            ) from fault


class Refined(FlowEstimator):
    """`+v`: the variational refinement of Brox et al. 2004 over the flow of another estimator, as OpenCV does it."""

    def __init__(self, inner: FlowEstimator, threads: int):
        cv2 = import_opencv()
        self._cv2, self._inner = cv2, inner
        self._pool = ThreadPoolExecutor(threads)
        self._of_thread = threading.local()
        refinement = self._new_refinement()
        self.description = replace(
            inner.description,
            model=f"{inner.description.model}+v",
            library=", ".join(dict.fromkeys([inner.description.library, f"opencv {cv2.__version__}"])),
            parameters={
                **inner.description.parameters,
                "v_alpha": round(refinement.getAlpha(), 6),
                "v_delta": round(refinement.getDelta(), 6),
                "v_gamma": round(refinement.getGamma(), 6),
                "v_fixed_point_iterations": refinement.getFixedPointIterations(),
                "v_sor_iterations": refinement.getSorIterations(),
            },
        )
        self.fixed_batch = inner.fixed_batch
        self.device = inner.device

    def check_clip(self, clip: str, pairs: int, backward: bool) -> None:
        self._inner.check_clip(clip, pairs, backward)

    def estimate(self, frames: UInt8[Tensor, "b 2 3 h w"], pairs: Sequence[Pair] | None) -> Float32[Tensor, "b 2 h w"]:
        start = rearrange(self._inner.estimate(frames, pairs), "b c h w -> b h w c").cpu().numpy()
        refined = fields_of_pairs(self._cv2, self._pool, self._refine, frames, start)
        return refined.to(self.device)

    def _refine(self, first: Grey, second: Grey, start: Field) -> Field:
        refinement = getattr(self._of_thread, "refinement", None)
        if refinement is None:
            refinement = self._of_thread.refinement = self._new_refinement()
        return refinement.calc(first, second, np.ascontiguousarray(start))

    def _new_refinement(self) -> Any:
        # Over DIS, 0.398 px off on four Middlebury pairs, OpenCV's 5 x 5 iterations leave an endpoint error of
        # 0.339 px, 10 x 10 of 0.316 for 2.5 times their time.
        refinement = self._cv2.VariationalRefinement_create()
        refinement.setFixedPointIterations(10)
        refinement.setSorIterations(10)
        return refinement


def fields_of_pairs(
    cv2: ModuleType,
    pool: ThreadPoolExecutor,
    field_of: Callable[[Grey, Grey, Any], Field],
    frames: UInt8[Tensor, "b 2 3 h w"],
    starts: Iterable[Any],
) -> Float32[Tensor, "b 2 h w"]:
    """`field_of(first, second, start)` for the grey frames of each pair, the pairs beside each other in `pool`."""
    colour = rearrange(frames, "b p c h w -> (b p) h w c").cpu().numpy()
    grey = [cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY) for frame in colour]
    with _ONE_THREAD_EACH:
        fields = list(pool.map(field_of, grey[0::2], grey[1::2], starts))
    return torch.from_numpy(np.stack(fields).transpose(0, 3, 1, 2).copy())


def _one_thread_each() -> Callable[[], None]:
    cv2 = import_opencv()
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    return lambda: cv2.setNumThreads(before)


_ONE_THREAD_EACH = ProcessSetting(_one_thread_each)
"""OpenCV's own threads off."""


def dis(threads: int) -> FlowEstimator:
    """Dense inverse search (Kroeger et al., ECCV 2016), the medium preset, with its variational step."""
    return OpenCVEstimator(
        "dis",
        lambda cv2: cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM),
        {"preset": "medium"},
        threads,
    )


def tvl1(threads: int) -> FlowEstimator:
    """Duality-based TV-L1 (Zach et al., DAGM 2007; Sanchez et al., IPOL 2013)."""
    return OpenCVEstimator("tvl1", lambda cv2: cv2.optflow.createOptFlow_DualTVL1(), {}, threads)


def farneback(threads: int) -> FlowEstimator:
    """Polynomial expansion (Farneback, SCIA 2003)."""
    return OpenCVEstimator("farneback", lambda cv2: cv2.FarnebackOpticalFlow_create(), {}, threads)


def deepflow(threads: int) -> FlowEstimator:
    """DeepFlow (Weinzaepfel et al., ICCV 2013) as OpenCV has it: the variational part, without deep matching."""
    return OpenCVEstimator("deepflow", lambda cv2: cv2.optflow.createOptFlow_DeepFlow(), {}, threads)


def pcaflow(threads: int) -> FlowEstimator:
    """PCA-Flow (Wulff and Black, CVPR 2015), without learned priors."""
    return OpenCVEstimator("pcaflow", lambda cv2: cv2.optflow.createOptFlow_PCAFlow(), {}, threads)
