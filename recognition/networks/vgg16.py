"""VGG-16 (Simonyan and Zisserman, ICLR 2015, configuration D) as torchvision has it."""

from torch import nn

from recognition.networks.classifier import new_classifier


def build_vgg16(channels: int, classes: int, dropout: float) -> nn.Module:
    """The network with random weights; dropout stands before its second hidden layer and before the last."""
    from torchvision.models import vgg16  # takes seconds to import

    network = vgg16(weights=None, dropout=dropout)
    features, classifier = network.features, network.classifier
    assert isinstance(features, nn.Sequential)
    assert isinstance(classifier, nn.Sequential)
    first, last = features[0], classifier[6]
    assert isinstance(first, nn.Conv2d)
    assert isinstance(last, nn.Linear)
    widened = nn.Conv2d(channels, first.out_channels, 3, padding=1)
    nn.init.kaiming_normal_(widened.weight, mode="fan_out", nonlinearity="relu")
    assert widened.bias is not None
    nn.init.zeros_(widened.bias)
    features[0] = widened
    classifier[6] = new_classifier(last.in_features, classes)
    return network
