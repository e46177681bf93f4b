"""What the modules of models.py share."""

import torch
from torchvision.models._utils import _make_divisible


class Scaling:
    """width=: channels times the factor, rounded as torchvision does it for MobileNetV2."""

    def __init__(self, width):
        self.width = width

    def __call__(self, channels, divisor=8):
        return channels if self.width == 1 else _make_divisible(channels * self.width, divisor)


def conv3x3(inputs, outputs, stride=1):
    return torch.nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)


def conv1x1(inputs, outputs, stride=1):
    return torch.nn.Conv2d(inputs, outputs, 1, stride, bias=False)
