"""The FlowNet 2.0 family (Ilg et al., CVPR 2017) as torch modules: frames as floats in, flow out, differentiable."""

from flowfeat.networks.flownet2 import FlowNet2
from flowfeat.networks.flownet_c import FlowNetC
from flowfeat.networks.flownet_s import FlowNetS
from flowfeat.networks.flownet_sd import FlowNetSD
from flowfeat.networks.fusion import Fusion
from flowfeat.networks.numerics import NUMERICS, Numerics
from flowfeat.networks.stack import FlowNetStack

__all__ = ["NUMERICS", "FlowNet2", "FlowNetC", "FlowNetS", "FlowNetSD", "FlowNetStack", "Fusion", "Numerics"]
