"""Correlation of two feature maps over a window of displacements: the cost volume of FlowNetC (2015, eq. 1).

    out[n, k, y, x] = 1 / C * sum_c first[n, c, s y, s x] * second[n, c, s y + dy, s x + dx]

with s the stride, k = iy * D + ix, dy and dx in -d, -d + stride2, ..., d (dy outer), and zero outside the map. Patches
larger than a pixel average this over their pixels.
"""

import itertools

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional
from torch.utils.flop_counter import register_flop_formula

from flowfeat.ops.compiler import compiles
from flowfeat.ops.precision import sum_type


def correlation(
    first: Float[Tensor, "n c h w"],
    second: Float[Tensor, "n c h w"],
    max_displacement: int = 20,
    displacement_stride: int = 2,
    stride: int = 1,
    patch: int = 1,
) -> Float[Tensor, "n k h2 w2"]:
    """The cost volume of two feature maps, (2 * (max_displacement // displacement_stride) + 1)^2 maps.

    Args:
        first: features of the first frame; float32, float16, bfloat16 or float64; any memory format.
        second: features of the second frame.
        max_displacement: largest displacement in feature pixels, in x and in y.
        displacement_stride: between neighbouring displacements (the paper's s2).
        stride: between neighbouring output pixels (s1); the output has ceil(h / stride) rows.
        patch: side of the compared patches, odd (the paper's K = 2k + 1).

    Returns:
        Costs, divided by the channels and the pixels of a patch, in the type of the input, channels last.
        Sums are float32 (float64 for float64).

    Raises:
        ValueError: where shapes differ or a parameter is out of range.
    """
    if first.shape != second.shape or first.ndim != 4:
        raise ValueError(f"correlation takes two maps of one shape (n, c, h, w), not {first.shape} and {second.shape}")
    if max_displacement < 0 or displacement_stride < 1 or stride < 1 or patch < 1 or patch % 2 == 0:
        raise ValueError(
            f"correlation takes max_displacement >= 0, strides >= 1 and an odd patch, not {max_displacement}, "
            f"{displacement_stride}, {stride} and {patch}"
        )
    if patch == 1:
        return _correlation(first, second, max_displacement, displacement_stride, stride)
    costs = _correlation(first, second, max_displacement, displacement_stride, 1)
    return functional.avg_pool2d(costs, patch, stride, patch // 2)


def correlation_reference(
    first: Float[Tensor, "n c h w"],
    second: Float[Tensor, "n c h w"],
    max_displacement: int = 20,
    displacement_stride: int = 2,
    stride: int = 1,
    patch: int = 1,
) -> Float[Tensor, "n k h2 w2"]:
    """`correlation` as its formula reads: one shifted product for each displacement. The oracle of the others."""
    height, width = first.shape[2:]
    padded = functional.pad(second, (max_displacement,) * 4)
    reach = max_displacement // displacement_stride * displacement_stride
    offsets = range(max_displacement - reach, max_displacement + reach + 1, displacement_stride)
    costs = [
        (first.to(sum_type(first)) * padded[:, :, dy : dy + height, dx : dx + width]).mean(1)
        for dy in offsets
        for dx in offsets
    ]
    return functional.avg_pool2d(torch.stack(costs, 1), patch, stride, patch // 2).to(first.dtype)


def _forward(first: Tensor, second: Tensor, max_displacement: int, displacement_stride: int, stride: int) -> Tensor:
    """A matrix product of each row with all rows it may meet, of which the wanted displacements are a strided view.

    Half of the products are not wanted, and still this is many times as fast as one shifted product a displacement:
    those pass all features through memory 441 times.
    """
    grid = _Grid(first, second, max_displacement, displacement_stride, stride)
    out = grid.rows.new_empty(*grid.rows.shape[:-1], grid.steps, grid.steps)
    for part in grid.parts():
        products = torch.bmm(grid.rows[part].contiguous(), grid.met(grid.padded[part]).mT)
        out[part] = grid.band(products)
    out = grid.joined(out.flatten(5)).contiguous().div_(first.shape[1])
    return out.to(first.dtype).permute(0, 3, 1, 2)


def _gradients(
    gradient: Tensor, first: Tensor, second: Tensor, max_displacement: int, displacement_stride: int, stride: int
) -> tuple[Tensor, Tensor]:
    grid = _Grid(first, second, max_displacement, displacement_stride, stride)
    scaled = gradient.permute(0, 2, 3, 1).to(grid.rows.dtype).div(first.shape[1])
    scaled = grid.parted(scaled).unflatten(5, (grid.steps, grid.steps))
    of_rows, of_padded = torch.zeros_like(grid.rows), torch.zeros_like(grid.padded)
    for part in grid.parts():
        met = grid.met(grid.padded[part])
        products = met.new_zeros(len(met), grid.rows.shape[4], met.shape[1])
        grid.band(products).copy_(scaled[part])
        of_rows[part] = torch.bmm(products, met)
        # Rows that several rows meet take a sum: one vertical displacement after the other, each row is met once.
        of_met = torch.bmm(products.mT, grid.rows[part]).unflatten(1, (grid.steps, -1))
        for iy in range(grid.steps):
            grid.displaced(of_padded[part], iy).add_(of_met[:, iy])
    of_first, of_second = grid.gradients(of_rows, of_padded)
    return (
        of_first.to(first.dtype).contiguous(memory_format=torch.channels_last),
        of_second.to(second.dtype).contiguous(memory_format=torch.channels_last),
    )


_correlation = torch.library.custom_op("flowfeat::correlation", _forward, mutates_args=(), device_types="cpu")
_correlation_backward = torch.library.custom_op(
    "flowfeat::correlation_backward", _gradients, mutates_args=(), device_types="cpu"
)


class _Grid:
    """Both maps with channels last, rows and columns parted into classes that never meet.

    With displacements of even pixels alone, even columns meet even ones and even rows even ones:
    `displacement_stride` classes of each, and that many times fewer products. `rows` is (n, row classes, column
    classes, h, w, c); `padded` is the second map with its margin of zeros, parted in the same way.
    """

    def __init__(self, first: Tensor, second: Tensor, max_displacement: int, displacement_stride: int, stride: int):
        self._shape, self._stride = first.shape, stride
        height, width = first.shape[2:]
        radius = max_displacement // displacement_stride
        self.steps = 2 * radius + 1
        self._margin = margin = radius * displacement_stride
        self._size = (-(-height // stride), -(-width // stride))
        self._classes = displacement_stride if stride == 1 else 1
        self._step = displacement_stride // self._classes
        self._extra = tuple(-side % self._classes for side in self._size)
        dtype = sum_type(first)
        self.rows = self.parted(first[:, :, ::stride, ::stride].permute(0, 2, 3, 1).to(dtype))
        bottom, right = (margin + extra for extra in self._extra)
        padded = functional.pad(second.permute(0, 2, 3, 1).to(dtype), (0, 0, margin, right, margin, bottom))
        self.padded = self._by_class(padded)

    def parts(self) -> list[tuple[int, int, int]]:
        """The indices of `rows` and `padded` whose parts meet each other."""
        return list(itertools.product(range(self._shape[0]), range(self._classes), range(self._classes)))

    def parted(self, values: Tensor) -> Tensor:
        """(n, h, w, c) by class, with zeros where rows and columns do not fill the classes."""
        bottom, right = self._extra
        return self._by_class(functional.pad(values, (0, 0, 0, right, 0, bottom)))

    def joined(self, values: Tensor) -> Tensor:
        """The inverse of `parted`."""
        whole = rearrange(values, "n p q h w c -> n (h p) (w q) c")
        return whole[:, : self._size[0], : self._size[1]]

    def _by_class(self, values: Tensor) -> Tensor:
        parted = rearrange(values, "n (h p) (w q) c -> n p q h w c", p=self._classes, q=self._classes)
        return parted.contiguous()

    def displaced(self, padded: Tensor, iy: int) -> Tensor:
        """Of one part of `padded`, the rows that the output's rows meet under the iy-th vertical displacement."""
        top = iy * self._step
        return padded[top : top + self._stride * (self.rows.shape[3] - 1) + 1 : self._stride]

    def met(self, padded: Tensor) -> Tensor:
        """Of one part of `padded`, (h, steps * padded w, c): the rows that each row meets; mostly a view."""
        _, width, channels = padded.shape
        row = width * channels
        size = (self.rows.shape[3], self.steps, width, channels)
        return padded.as_strided(
            size, (self._stride * row, self._step * row, channels, 1), padded.storage_offset()
        ).flatten(1, 2)

    def band(self, products: Tensor) -> Tensor:
        """(h, w, steps, steps): of each pixel's products those of the wanted displacements, a view."""
        count, width, met = products.shape
        padded_width = met // self.steps
        size = (count, width, self.steps, self.steps)
        return products.as_strided(size, (width * met, met + self._stride, padded_width, self._step))

    def gradients(self, of_rows: Tensor, of_padded: Tensor) -> tuple[Tensor, Tensor]:
        """From gradients of `rows` and `padded` to those of the two maps."""
        height, width = self._shape[2:]
        of_first = of_rows.new_zeros(self._shape)
        of_first[:, :, :: self._stride, :: self._stride] = self.joined(of_rows).permute(0, 3, 1, 2)
        whole = rearrange(of_padded, "n p q h w c -> n c (h p) (w q)")
        margin = self._margin
        return of_first, whole[:, :, margin : margin + height, margin : margin + width]


@_correlation.register_kernel("cuda")
def _(first: Tensor, second: Tensor, max_displacement: int, displacement_stride: int, stride: int) -> Tensor:
    if first.dtype == torch.float64 or not compiles():
        return _forward(first, second, max_displacement, displacement_stride, stride)
    from flowfeat.ops.correlation_triton import correlation_forward

    with torch.cuda.device_of(first):  # Triton launches on the current device, whichever that is
        return correlation_forward(first, second, max_displacement, displacement_stride, stride)


@_correlation_backward.register_kernel("cuda")
def _(
    gradient: Tensor, first: Tensor, second: Tensor, max_displacement: int, displacement_stride: int, stride: int
) -> tuple[Tensor, Tensor]:
    if first.dtype == torch.float64 or not compiles():
        return _gradients(gradient, first, second, max_displacement, displacement_stride, stride)
    from flowfeat.ops.correlation_triton import correlation_backward

    with torch.cuda.device_of(first):
        return correlation_backward(gradient, first, second, max_displacement, displacement_stride, stride)


@_correlation.register_fake
def _(first: Tensor, second: Tensor, max_displacement: int, displacement_stride: int, stride: int) -> Tensor:
    count, _, height, width = first.shape
    steps = 2 * (max_displacement // displacement_stride) + 1
    shape = count, -(-height // stride), -(-width // stride), steps * steps
    return first.new_empty(shape).permute(0, 3, 1, 2)


@_correlation_backward.register_fake
def _(
    gradient: Tensor, first: Tensor, second: Tensor, max_displacement: int, displacement_stride: int, stride: int
) -> tuple[Tensor, Tensor]:
    of_first = torch.empty_like(first, memory_format=torch.channels_last)
    return of_first, torch.empty_like(second, memory_format=torch.channels_last)


def _save(ctx, inputs, output) -> None:
    first, second, *ctx.parameters = inputs
    ctx.save_for_backward(first, second)


def _backward(ctx, gradient: Tensor):
    return *_correlation_backward(gradient, *ctx.saved_tensors, *ctx.parameters), None, None, None


_correlation.register_autograd(_backward, setup_context=_save)


@register_flop_formula(torch.ops.flowfeat.correlation)
def _operations(first_shape, second_shape, *_parameters, out_shape, **_named) -> int:
    return 2 * first_shape[1] * out_shape.numel()
