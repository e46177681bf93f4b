"""Residual networks for CIFAR: ResNet-20 to -110, ResNet-164, SE-ResNet-56, wide ResNets."""

import torch
import torch.nn.functional as F

from models_common import conv1x1, conv3x3


class PadChannels(torch.nn.Module):
    """The shortcut of type A: every second position, zero channels half before and half behind."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.before = (outputs - inputs) // 2
        self.behind = outputs - inputs - self.before
        self.stride = stride

    def forward(self, x):
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.before, self.behind))


class BasicBlock(torch.nn.Module):
    """He et al. 2016, CIFAR; names of akamaster/pytorch_resnet_cifar10."""

    def __init__(self, inputs, outputs, stride, shortcut):
        super().__init__()
        self.conv1 = conv3x3(inputs, outputs, stride)
        self.bn1 = torch.nn.BatchNorm2d(outputs)
        self.conv2 = conv3x3(outputs, outputs)
        self.bn2 = torch.nn.BatchNorm2d(outputs)
        if stride == 1 and inputs == outputs:
            self.shortcut = torch.nn.Identity()
        elif shortcut == "A":
            self.shortcut = PadChannels(inputs, outputs, stride)
        else:
            norm = torch.nn.BatchNorm2d(outputs)
            self.shortcut = torch.nn.Sequential(conv1x1(inputs, outputs, stride), norm)

    def forward(self, x):
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class SqueezeExcitation(torch.nn.Module):
    """Hu et al. 2018."""

    def __init__(self, channels, reduction=16):
        super().__init__()
        hidden = max(1, channels // reduction)
        self.fc = torch.nn.Sequential(
            torch.nn.Linear(channels, hidden, bias=False),
            torch.nn.ReLU(),
            torch.nn.Linear(hidden, channels, bias=False),
            torch.nn.Sigmoid(),
        )

    def forward(self, x):
        return x * self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))[:, :, None, None]


class SEBlock(torch.nn.Module):
    """Names of moskomule/senet.pytorch: the gate acts on the branch before the addition."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = conv3x3(inputs, outputs, stride)
        self.bn1 = torch.nn.BatchNorm2d(outputs)
        self.conv2 = conv3x3(outputs, outputs)
        self.bn2 = torch.nn.BatchNorm2d(outputs)
        self.se = SqueezeExcitation(outputs)
        self.downsample = torch.nn.Identity()
        if stride != 1 or inputs != outputs:
            norm = torch.nn.BatchNorm2d(outputs)
            self.downsample = torch.nn.Sequential(conv1x1(inputs, outputs, stride), norm)

    def forward(self, x):
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.se(self.bn2(self.conv2(y))) + self.downsample(x))


class PreActivationBottleneck(torch.nn.Module):
    """He et al. 2016 (identity mappings), as KaimingHe/resnet-1k-layers: stride in the first 1x1, and where the
    number of channels changes, the shortcut's convolution takes the normalised input too. Names of bearpaw's."""

    def __init__(self, inputs, planes, stride):
        super().__init__()
        self.bn1 = torch.nn.BatchNorm2d(inputs)
        self.conv1 = conv1x1(inputs, planes, stride)
        self.bn2 = torch.nn.BatchNorm2d(planes)
        self.conv2 = conv3x3(planes, planes)
        self.bn3 = torch.nn.BatchNorm2d(planes)
        self.conv3 = conv1x1(planes, 4 * planes)
        self.downsample = None
        if inputs != 4 * planes:
            self.downsample = torch.nn.Sequential(conv1x1(inputs, 4 * planes, stride))

    def forward(self, x):
        y = torch.relu(self.bn1(x))
        shortcut = self.downsample(y) if self.downsample else x
        y = torch.relu(self.bn2(self.conv1(y)))
        y = torch.relu(self.bn3(self.conv2(y)))
        return self.conv3(y) + shortcut


class WideBlock(torch.nn.Module):
    """Zagoruyko & Komodakis 2016; names of xternalz/WideResNet-pytorch."""

    def __init__(self, inputs, outputs, stride, dropout):
        super().__init__()
        self.bn1 = torch.nn.BatchNorm2d(inputs)
        self.conv1 = conv3x3(inputs, outputs, stride)
        self.bn2 = torch.nn.BatchNorm2d(outputs)
        self.dropout = torch.nn.Dropout(dropout)
        self.conv2 = conv3x3(outputs, outputs)
        self.convShortcut = conv1x1(inputs, outputs, stride) if inputs != outputs else None

    def forward(self, x):
        y = torch.relu(self.bn1(x))
        shortcut = self.convShortcut(y) if self.convShortcut else x
        y = torch.relu(self.bn2(self.conv1(y)))
        return self.conv2(self.dropout(y)) + shortcut


class WideStage(torch.nn.Module):
    def __init__(self, blocks):
        super().__init__()
        self.layer = torch.nn.Sequential(*blocks)

    def forward(self, x):
        return self.layer(x)


def stage(block, inputs, outputs, depth, stride, *more, expansion=1):
    first = block(inputs, outputs, stride, *more)
    rest = [block(expansion * outputs, outputs, 1, *more) for _ in range(depth - 1)]
    return [first, *rest]


class CifarResNet(torch.nn.Module):
    """conv1, bn1, three stages, global average, a linear layer named `head`."""

    def __init__(self, block, depth, channels, images, classes, head, *more):
        super().__init__()
        self.conv1 = conv3x3(images, channels[0])
        self.bn1 = torch.nn.BatchNorm2d(channels[0])
        inputs = channels[0]
        for i, outputs in enumerate(channels, 1):
            blocks = stage(block, inputs, outputs, depth, 1 if i == 1 else 2, *more)
            self.add_module(f"layer{i}", torch.nn.Sequential(*blocks))
            inputs = outputs
        self.add_module(head, torch.nn.Linear(inputs, classes))
        self.head = head

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.get_submodule(self.head)(F.adaptive_avg_pool2d(x, 1).flatten(1))


class PreActivationResNet(torch.nn.Module):
    def __init__(self, depth, scaled, images, classes):
        super().__init__()
        self.conv1 = conv3x3(images, scaled(16))
        inputs = scaled(16)
        for i, planes in enumerate(map(scaled, (16, 32, 64)), 1):
            blocks = stage(PreActivationBottleneck, inputs, planes, depth, 1 if i == 1 else 2, expansion=4)
            self.add_module(f"layer{i}", torch.nn.Sequential(*blocks))
            inputs = 4 * planes
        self.bn = torch.nn.BatchNorm2d(inputs)
        self.fc = torch.nn.Linear(inputs, classes)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(self.conv1(x))))
        return self.fc(F.adaptive_avg_pool2d(torch.relu(self.bn(x)), 1).flatten(1))


class WideResNet(torch.nn.Module):
    def __init__(self, depth, widen, scaled, images, classes, dropout):
        super().__init__()
        inputs = scaled(16)
        self.conv1 = conv3x3(images, inputs)
        for i, base in enumerate((16, 32, 64), 1):
            outputs = scaled(base * widen)
            blocks = stage(WideBlock, inputs, outputs, (depth - 4) // 6, 1 if i == 1 else 2, dropout)
            self.add_module(f"block{i}", WideStage(blocks))
            inputs = outputs
        self.bn1 = torch.nn.BatchNorm2d(inputs)
        self.fc = torch.nn.Linear(inputs, classes)

    def forward(self, x):
        x = self.block3(self.block2(self.block1(self.conv1(x))))
        return self.fc(F.adaptive_avg_pool2d(torch.relu(self.bn1(x)), 1).flatten(1))


def make(options, scaled, shape, classes):
    """The module, or None where the name is not one of these."""
    name, *numbers = options.name.split("-")
    channels = [scaled(c) for c in (16, 32, 64)]
    if name in ("resnet20", "resnet32", "resnet44", "resnet56", "resnet110"):
        depth = (int(name[len("resnet") :]) - 2) // 6
        shortcut = options.take("shortcut", "A")
        return CifarResNet(BasicBlock, depth, channels, shape[2], classes, "linear", shortcut)
    if options.name == "se-resnet56":
        return CifarResNet(SEBlock, 9, channels, shape[2], classes, "fc")
    if name == "resnet164":
        return PreActivationResNet(18, scaled, shape[2], classes)
    if name == "wrn":
        depth, widen = map(int, numbers)
        return WideResNet(depth, widen, scaled, shape[2], classes, options.take("dropout", 0.0))
    return None
