"""What the modules of models.py share."""

import math

import torch


class Scaling:
    """width=: channels times the factor, rounded to the nearest whole number, at least one."""

    def __init__(self, width):
        self.width = width

    def __call__(self, channels):
        return max(1, math.floor(channels * self.width + 0.5))


def conv3x3(inputs, outputs, stride=1):
    return torch.nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)


def conv1x1(inputs, outputs, stride=1):
    return torch.nn.Conv2d(inputs, outputs, 1, stride, bias=False)
