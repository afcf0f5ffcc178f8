"""How each published system of two-stream recognition is trained and tested, in numbers; and `quick`, which is ours.

Every preset says where its numbers are published. What a publication leaves open is decided here and said beside it.
"""

from dataclasses import dataclass, replace
from typing import Literal

from flowfeat.errors import InputError
from recognition.networks.zoo import IMAGENET_MEAN, IMAGENET_STD, NetworkName
from recognition.schedules import (
    QUICK,
    QUICK_IMAGENET,
    TSN_SPATIAL,
    TSN_TEMPORAL,
    TWO_STREAM_FINE,
    TWO_STREAM_SCRATCH,
    Optimiser,
    Schedule,
)

Stream = Literal["temporal", "spatial"]

FusionMethod = Literal["average", "weighted", "svm"]


@dataclass(frozen=True, kw_only=True)
class FlowInput:
    """How displacements in pixels become what a temporal network sees.

    Attributes:
        bound: components are clipped to +-bound pixels; None leaves them as they are stored.
        mean: what is subtracted, after clipping: the mean of each component of each `field` (two-stream, section
            3.1), or the `constant` that stands for no motion. The store gives pixels, where that constant is 0 already.
        scale: what one pixel of displacement becomes.
    """

    bound: float | None
    mean: Literal["field", "constant"]
    scale: float


@dataclass(frozen=True, kw_only=True)
class ColourInput:
    """How frames become what a spatial network sees: (level - mean) / std.

    Attributes:
        mean, std: of red, green and blue, in levels of 0..255.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Cropping:
    """Which part of a frame, or of its flow, the network sees.

    Displacements keep their length in stored pixels when a field is resized, as in the published systems, which
    resized flow as pictures.

    Attributes:
        shorter_side: frames are resized to it first, with their aspect ratio.
        side: of the square that the network sees.
        placement: of training crops: anywhere (`random`), or in one of the four `corners` or the centre, as both
            papers have it (very deep two-stream, Wang et al. 2015, section 2.2; TSN, 2016). TSN's own code draws from
            13 places (`more_fix_crop`), mmaction's from these five.
        scales: of training crops: height and width are such fractions of the shorter side, resized to `side`. None
            cuts `side` pixels and resizes nothing.
        distortion: how many places in `scales` the height and width of a crop can be apart.
        flip: training crops are mirrored at random; the x component of flow changes its sign.
    """

    shorter_side: int
    side: int
    placement: Literal["random", "corners"]
    scales: tuple[float, ...] | None = None
    distortion: int = 0
    flip: bool = True


@dataclass(frozen=True, kw_only=True)
class Views:
    """What a clip's scores are averaged over: equally spaced stacks, and 1 (the centre) or 10 crops of each."""

    stacks: int
    crops: Literal[1, 10]


@dataclass(frozen=True, kw_only=True)
class Preset:
    """One stream of a system, from its input to its scores.

    Attributes:
        name: of the system.
        stream: temporal sees flow, spatial a frame.
        network: a name of the zoo.
        initial: random weights (`scratch`), or ImageNet's, whose first layer is averaged over colour for flow.
        dropout: probability with which activations before the fully connected layers are dropped.
        length: fields in a stack (L); 1 for the spatial stream.
        segments: parts of a clip of which each gives a stack; a video's scores are the mean over them.
        input: how flow or colour is scaled.
        cropping: how the crop is made.
        drawn: training videos are drawn evenly over the classes (`class`), or each once an epoch (`clip`).
        batch: videos in a batch, over all devices; each is `segments` stacks.
        schedule, optimiser: see `recognition.schedules`.
        partial_batch_norm: all batch normalisations but the first keep the statistics and scales they began with.
        views: at test time.
        averaged: what is averaged over views, and fused: `softmax` scores or `logits`, those before it.
        fusion: how streams are fused.
        fusion_weight: of this stream in a weighted fusion, where one was published.
        metric: in which the system's accuracy was published.
    """

    name: str
    stream: Stream
    network: NetworkName
    initial: Literal["scratch", "imagenet"]
    dropout: float
    length: int
    segments: int = 1
    input: FlowInput | ColourInput
    cropping: Cropping
    drawn: Literal["class", "clip"]
    batch: int
    schedule: Schedule
    optimiser: Optimiser
    partial_batch_norm: bool = False
    views: Views
    averaged: Literal["softmax", "logits"]
    fusion: tuple[FusionMethod, ...] = ()
    fusion_weight: float = 1.0
    metric: Literal["accuracy", "mean_class_accuracy"] = "accuracy"

    @property
    def channels(self) -> int:
        """Channels of what the network sees: 2L for flow, 3 for colour."""
        return 2 * self.length if self.stream == "temporal" else 3


def find_preset(name: str, stream: Stream) -> Preset:
    """One stream of a system. Raises InputError where there is no such system, or it has no such stream."""
    found = PRESETS.get(name)
    if found is None:
        raise InputError(f"--preset {name}: there is no such preset; there are {', '.join(PRESETS)}")
    for preset in found:
        if preset.stream == stream:
            return preset
    raise InputError(f"--preset {name}: it has no {stream} stream, only {', '.join(p.stream for p in found)}")


# Caffe's networks saw levels of 0..255 without their mean. A bound of 20 pixels was stored in 8 bits, so that a pixel
# of displacement was 255 / 40 levels.
_CAFFE_FLOW = 255 / 40
_CAFFE_COLOUR = ColourInput(mean=(123.0, 117.0, 104.0), std=(1.0, 1.0, 1.0))
# torchvision's networks saw the same divided by 255 and by the deviation of ImageNet's levels; for flow that is the
# deviations' mean, as the first layer is averaged over colour too.
_TORCHVISION_FLOW = _CAFFE_FLOW / 255 / (sum(IMAGENET_STD) / 3)
_TORCHVISION_COLOUR = ColourInput(
    mean=(255 * IMAGENET_MEAN[0], 255 * IMAGENET_MEAN[1], 255 * IMAGENET_MEAN[2]),
    std=(255 * IMAGENET_STD[0], 255 * IMAGENET_STD[1], 255 * IMAGENET_STD[2]),
)

_PUBLISHED_VIEWS = Views(stacks=25, crops=10)


# Two-Stream Convolutional Networks for Action Recognition in Videos (Simonyan and Zisserman, NIPS 2014), sections 3.1
# and 5. Published on UCF101, mean of three splits: temporal 83.7 (with HMDB51), spatial 73.0, average 86.9, SVM 88.0;
# temporal on split 1: 81.0. Open there: weight decay and the scale of pixels, here Krizhevsky's 5e-4 and 1.
_TWO_STREAM_TEMPORAL = Preset(
    name="two-stream-2014",
    stream="temporal",
    network="cnn-m-2048",
    initial="scratch",
    dropout=0.9,
    length=10,
    input=FlowInput(bound=None, mean="field", scale=1.0),
    cropping=Cropping(shorter_side=256, side=224, placement="random"),
    drawn="class",
    batch=256,
    schedule=TWO_STREAM_SCRATCH,
    optimiser=Optimiser(weight_decay=5e-4),
    views=_PUBLISHED_VIEWS,
    averaged="softmax",
    fusion=("average", "svm"),
)

_TWO_STREAM_SPATIAL = replace(
    _TWO_STREAM_TEMPORAL,
    stream="spatial",
    initial="imagenet",
    length=1,
    input=_CAFFE_COLOUR,
    schedule=TWO_STREAM_FINE,
)

# FlowNet 2.0 (Ilg et al., CVPR 2017), table 5: the temporal stream alone, trained once for each method's flow; FlowNet2
# 79.51, LDOF 79.91. The split, the resolution of the flow and the schedule are stated nowhere; here they are those of
# 2014. A stack of 5 is remembered from its caption.
_FN2_TABLE5 = replace(_TWO_STREAM_TEMPORAL, name="fn2-table5", length=5, fusion=())

# Temporal Segment Networks (Wang et al., ECCV 2016), section 4.1, and the solvers of its code (yjxiong/
# temporal-segment-networks, models/ucf101). Published on UCF101 split 1: flow 87.9, RGB 85.7, both 93.5.
_TSN_TEMPORAL = Preset(
    name="tsn",
    stream="temporal",
    network="resnet50",
    initial="imagenet",
    dropout=0.7,
    length=5,
    segments=3,
    input=FlowInput(bound=20.0, mean="constant", scale=_TORCHVISION_FLOW),
    cropping=Cropping(shorter_side=256, side=224, placement="corners", scales=(1.0, 0.875, 0.75), distortion=1),
    drawn="clip",
    batch=256,
    schedule=TSN_TEMPORAL,
    optimiser=Optimiser(weight_decay=5e-4, first_layer_rate=5.0, bias_rate=2.0, decay_biases=False, clip=20.0),
    partial_batch_norm=True,
    views=_PUBLISHED_VIEWS,
    averaged="logits",
    fusion=("weighted",),
    fusion_weight=1.5,
    metric="mean_class_accuracy",
)

_TSN_SPATIAL = replace(
    _TSN_TEMPORAL,
    stream="spatial",
    dropout=0.8,
    length=1,
    input=_TORCHVISION_COLOUR,
    cropping=replace(_TSN_TEMPORAL.cropping, scales=(1.0, 0.875, 0.75, 0.66)),
    schedule=TSN_SPATIAL,
    optimiser=replace(_TSN_TEMPORAL.optimiser, first_layer_rate=1.0, clip=40.0),
    fusion_weight=1.0,
)

_TSN_BN_INCEPTION_TEMPORAL = replace(
    _TSN_TEMPORAL,
    name="tsn-bn-inception",
    network="bn-inception",
    input=FlowInput(bound=20.0, mean="constant", scale=_CAFFE_FLOW),
)

_TSN_BN_INCEPTION_SPATIAL = replace(_TSN_SPATIAL, name="tsn-bn-inception", network="bn-inception", input=_CAFFE_COLOUR)

# Ours, for a few classes on a processor without a GPU: a small network at a quarter of the side, whose loss is of a
# clip and not of one stack. In many a stack nobody moves, and the label is wrong for it. How it was chosen, and on
# what, is told in docs/recognition.md.
_QUICK_TEMPORAL = Preset(
    name="quick",
    stream="temporal",
    network="small-vgg",
    initial="scratch",
    dropout=0.5,
    length=10,
    segments=3,
    input=FlowInput(bound=20.0, mean="field", scale=_TORCHVISION_FLOW),
    cropping=Cropping(shorter_side=64, side=56, placement="random", scales=(1.0, 0.875, 0.75), distortion=1),
    drawn="class",
    batch=8,
    schedule=QUICK,
    optimiser=Optimiser(weight_decay=5e-4, decay_biases=False),
    views=Views(stacks=25, crops=1),
    averaged="logits",
    fusion=("average", "weighted", "svm"),
)

_QUICK_SPATIAL = replace(_QUICK_TEMPORAL, stream="spatial", length=1, input=_TORCHVISION_COLOUR)

# The same with ResNet-18 and ImageNet's weights, for who has them; half the side, below which these see little.
_QUICK_IMAGENET_TEMPORAL = replace(
    _QUICK_TEMPORAL,
    name="quick-imagenet",
    network="resnet18",
    initial="imagenet",
    cropping=replace(_QUICK_TEMPORAL.cropping, shorter_side=128, side=112),
    schedule=QUICK_IMAGENET,
)

_QUICK_IMAGENET_SPATIAL = replace(_QUICK_IMAGENET_TEMPORAL, stream="spatial", length=1, input=_TORCHVISION_COLOUR)

PRESETS: dict[str, tuple[Preset, ...]] = {
    streams[0].name: streams
    for streams in (
        (_FN2_TABLE5,),
        (_TWO_STREAM_TEMPORAL, _TWO_STREAM_SPATIAL),
        (_TSN_TEMPORAL, _TSN_SPATIAL),
        (_TSN_BN_INCEPTION_TEMPORAL, _TSN_BN_INCEPTION_SPATIAL),
        (_QUICK_TEMPORAL, _QUICK_SPATIAL),
        (_QUICK_IMAGENET_TEMPORAL, _QUICK_IMAGENET_SPATIAL),
    )
}
"""The streams of each system, by its name."""
