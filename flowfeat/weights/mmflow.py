"""Tensor names of mmflow's checkpoints (mmflow 0.5.2, FlowNet and FlowNet2)."""

import re

_NETWORKS = {
    "flownetCSS.flownetC.": "stack.first.",
    "flownetCSS.flownetS1.": "stack.stages.0.",
    "flownetCSS.flownetS2.": "stack.stages.1.",
    "flownetSD.": "small_displacement.",
    "flownet_fusion.": "fusion.",
    "flownetC.": "first.",
    "flownetS1.": "stages.0.",
    "flownetS2.": "stages.1.",
}


def canonical_name(name: str) -> str:
    """Our name for mmflow's `name`; one that is not theirs stays as it is."""
    network, rest = "", name
    for theirs, ours in _NETWORKS.items():
        if name.startswith(theirs):
            network, rest = ours, name.removeprefix(theirs)
            break
    layer = _layer(rest, fusion=network == "fusion.")
    return network + layer if layer else name


def _layer(rest: str, fusion: bool) -> str | None:
    stem, _, leaf = rest.rpartition(".")
    # The fusion's levels 0 to 2 are called 1 to 3, and its encoder begins at full size.
    shift = 1 if fusion else 0
    if stem == "corr_encoder.conv_redir.conv":
        return f"conv_redir.{leaf}"
    if stem == "encoder.plugin_layer.conv":
        return f"conv0.{leaf}"
    if found := re.fullmatch(r"(corr_)?encoder\.layers\.(\d)\.layers\.([01])\.conv", stem):
        number, second = int(found[2]) + (3 if found[1] else 1 - shift), found[3] == "1"
        if found[1] and number == 3:  # the convolution behind the correlation keeps the size of conv3
            return None if second else f"conv3_1.{leaf}"
        return f"conv{number}{'_1' if second else ''}.{leaf}"
    if found := re.fullmatch(r"decoder\.decoders\.level(\d)\.(pred_out|deconv_out|upsample_pred)\.?(.*)", stem):
        level, part, index = int(found[1]) - shift, found[2], found[3]
        layers = {
            ("pred_out", ""): f"predict_flow{level}",
            ("pred_out", "0"): f"inter_conv{level}",
            ("pred_out", "1"): f"predict_flow{level}",
            ("deconv_out", "deconvs.0"): f"deconv{level - 1}",
            ("upsample_pred", "deconvs.0"): f"upsampled_flow{level}_to_{level - 1}",
        }
        return f"refinement.{layers[part, index]}.{leaf}" if (part, index) in layers else None
    return None
