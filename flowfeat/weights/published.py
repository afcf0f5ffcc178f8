"""Published checkpoints of the FlowNet 2.0 family that plain HTTP fetches: those of mmflow's model zoo.

Addresses, training data and errors are those of the metafiles in mmflow 0.5.2.
"""

from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

_FLOWNET = "https://download.openmmlab.com/mmflow/flownet"
_FLOWNET2 = "https://download.openmmlab.com/mmflow/flownet2"
# The one that came later lies elsewhere, and alone has a checksum in its name.
_SHARE = "https://openmmlab-share.oss-cn-hangzhou.aliyuncs.com/mmflow/flownet2"

_LICENCE = "Apache-2.0 (mmflow's code; its metafiles name none for the weights)"

_CHAIRS, _THINGS, _HOMOGRAPHIES = "FlyingChairs", "FlyingThings3D subset", "ChairsSDHom"
_SINTEL = "Sintel"


@dataclass(frozen=True)
class PublishedFile:
    """A checkpoint and what its publisher says of it.

    Attributes:
        url: where it is.
        sha256_prefix: how its SHA-256 begins; None where no checksum was published.
        model: our name of the network.
        trained_on: the data sets, one after the other.
        licence: what it is published under.
        endpoint_errors: the published mean endpoint errors in pixels, by data set (the training part, where it has one).
    """

    url: str
    sha256_prefix: str | None
    model: str
    trained_on: tuple[str, ...]
    licence: str
    endpoint_errors: dict[str, float]

    @property
    def file_name(self) -> str:
        """The last part of the address."""
        return PurePosixPath(unquote(urlsplit(self.url).path)).name


def _without_checksum(
    url: str, model: str, trained_on: tuple[str, ...], endpoint_errors: dict[str, float]
) -> PublishedFile:
    return PublishedFile(url, None, model, trained_on, _LICENCE, endpoint_errors)


def _errors(chairs: float | None, clean: float, final: float, kitti2012: float, kitti2015: float | None = None):
    errors = {_CHAIRS: chairs, "Sintel clean": clean, "Sintel final": final}
    return errors | {"KITTI2012": kitti2012, "KITTI2015": kitti2015}
