"""Published checkpoints of the FlowNet 2.0 family that plain HTTP fetches: those of mmflow's model zoo."""

from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

_FLOWNET = "https://download.openmmlab.com/mmflow/flownet"
_FLOWNET2 = "https://download.openmmlab.com/mmflow/flownet2"
_SHARE = "https://openmmlab-share.oss-cn-hangzhou.aliyuncs.com/mmflow/flownet2"

_CHAIRS = ("FlyingChairs",)
_THINGS = ("FlyingChairs", "FlyingThings3D subset")
_SINTEL = ("FlyingChairs", "Sintel")
_THINGS_AND_SMALL = ("FlyingChairs", "FlyingThings3D subset", "ChairsSDHom")


@dataclass(frozen=True)
class PublishedFile:
    """A checkpoint and what its publisher says of it.

    Attributes:
        url: where it is.
        sha256_prefix: how its SHA-256 begins; None where no checksum was published.
        model: our name of the network.
        trained_on: the data sets, one after the other.
        endpoint_errors: the published mean endpoint errors in pixels, by data set.
        licence: what it is published under.
    """

    url: str
    sha256_prefix: str | None
    model: str
    trained_on: tuple[str, ...]
    endpoint_errors: dict[str, float]
    licence: str = "Apache-2.0 (of mmflow; its metafiles name none for the weights)"

    @property
    def file_name(self) -> str:
        """The last part of the address."""
        return PurePosixPath(unquote(urlsplit(self.url).path)).name


# Addresses and errors are those of the metafiles in mmflow 0.5.2, the data sets those of its README and of the
# `load_from` of its configs: the metafiles name the last set alone. Where they list `Sintel clean` twice, the second is
# the final pass, as the README has it.
#
# mmflow's flownets and flownetc are FlowNet2-S and -C to us: their configs train them by FlowNet 2.0's schedules
# (Slong, Sfine), and its FlowNet2-CS begins with this very flownetc.
PUBLISHED: dict[str, PublishedFile] = {
    "flownets_8x1_slong_flyingchairs_384x448": PublishedFile(
        f"{_FLOWNET}/flownets_8x1_slong_flyingchairs_384x448.pth",
        None,
        "flownet2-S",
        _CHAIRS,
        {"FlyingChairs": 2.03, "Sintel clean": 4.25, "Sintel final": 5.64, "KITTI2012": 8.81},
    ),
    "flownets_8x1_sfine_sintel_384x448": PublishedFile(
        f"{_FLOWNET}/flownets_8x1_sfine_sintel_384x448.pth",
        None,
        "flownet2-S",
        _SINTEL,
        {"FlyingChairs": 3.06, "Sintel clean": 1.93, "Sintel final": 2.12, "KITTI2012": 6.83},
    ),
    "flownetc_8x1_slong_flyingchairs_384x448": PublishedFile(
        f"{_FLOWNET}/flownetc_8x1_slong_flyingchairs_384x448.pth",
        None,
        "flownet2-C",
        _CHAIRS,
        # The README has 7.55 for KITTI2012.
        {"FlyingChairs": 1.78, "Sintel clean": 3.60, "Sintel final": 4.93, "KITTI2012": 7.95},
    ),
    "flownetc_8x1_sfine_flyingthings3d_subset_384x768": PublishedFile(
        f"{_FLOWNET}/flownetc_8x1_sfine_flyingthings3d_subset_384x768.pth",
        None,
        "flownet2-C",
        _THINGS,
        {"FlyingChairs": 2.57, "Sintel clean": 2.74, "Sintel final": 4.52, "KITTI2012": 5.42},
    ),
    "flownetc_8x1_sfine_sintel_384x448": PublishedFile(
        f"{_FLOWNET}/flownetc_8x1_sfine_sintel_384x448.pth",
        None,
        "flownet2-C",
        _SINTEL,
        {"FlyingChairs": 2.80, "Sintel clean": 1.73, "Sintel final": 2.09, "KITTI2012": 4.78},
    ),
    "flownet2cs_8x1_slong_flyingchairs_384x448": PublishedFile(
        f"{_FLOWNET2}/flownet2cs_8x1_slong_flyingchairs_384x448.pth",
        None,
        "flownet2-CS",
        _CHAIRS,
        {"FlyingChairs": 1.59},
    ),
    "flownet2cs_8x1_sfine_flyingthings3d_subset_384x768": PublishedFile(
        f"{_FLOWNET2}/flownet2cs_8x1_sfine_flyingthings3d_subset_384x768.pth",
        None,
        "flownet2-CS",
        _THINGS,
        {"Sintel clean": 1.96, "Sintel final": 3.69, "KITTI2012": 3.50, "KITTI2015": 8.23},
    ),
    "flownet2css_8x1_slong_flyingchairs_384x448": PublishedFile(
        f"{_FLOWNET2}/flownet2css_8x1_slong_flyingchairs_384x448.pth",
        None,
        "flownet2-CSS",
        _CHAIRS,
        {"FlyingChairs": 1.55},
    ),
    "flownet2css_8x1_sfine_flyingthings3d_subset_384x768": PublishedFile(
        f"{_FLOWNET2}/flownet2css_8x1_sfine_flyingthings3d_subset_384x768.pth",
        None,
        "flownet2-CSS",
        _THINGS,
        {"Sintel clean": 1.85, "Sintel final": 3.57, "KITTI2012": 3.13, "KITTI2015": 7.72},
    ),
    "flownet2css-sd_8x1_sfine_flyingthings3d_subset_chairssdhom_384x448": PublishedFile(
        f"{_FLOWNET2}/flownet2css-sd_8x1_sfine_flyingthings3d_subset_chairssdhom_384x448.pth",
        None,
        "flownet2-CSS-ft-sd",
        _THINGS_AND_SMALL,
        {"Sintel clean": 1.81, "Sintel final": 3.69, "KITTI2012": 2.98, "KITTI2015": 7.99},
    ),
    "flownet2sd_8x1_slong_chairssdhom_384x448": PublishedFile(
        f"{_FLOWNET2}/flownet2sd_8x1_slong_chairssdhom_384x448.pth",
        None,
        "flownet2-SD",
        ("ChairsSDHom",),
        {"ChairsSDHom": 0.37},
    ),
    # Of the fused networks the fusion alone was trained; css-sd and sd above were frozen in them.
    "flownet2_8x1_slong_flyingchairs_384x448": PublishedFile(
        f"{_SHARE}/flownet2_8x1_slong_flyingchairs_384x448_20220625_212801-88d61800.pth",
        "88d61800",
        "flownet2",
        (*_THINGS_AND_SMALL, "FlyingChairs"),
        {"FlyingChairs": 1.15},
    ),
    "flownet2_8x1_sfine_flyingthings3d_subset_384x768": PublishedFile(
        f"{_FLOWNET2}/flownet2_8x1_sfine_flyingthings3d_subset_384x768.pth",
        None,
        "flownet2",
        (*_THINGS_AND_SMALL, "FlyingThings3D subset"),
        {"Sintel clean": 1.78, "Sintel final": 3.31, "KITTI2012": 3.02, "KITTI2015": 8.02},
    ),
}
