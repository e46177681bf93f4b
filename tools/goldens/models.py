#!/usr/bin/python3
"""The presets of src/graph as PyTorch modules: the same layers under the same parameter names, in the same order.

    build("wrn-16-2:width=1.5", (32, 32, 3), classes=100)

gives a module for images [N, 3, 32, 32]. Where torchvision has the model, this is torchvision's class; the others are
written after the paper and, for names, after the best-known PyTorch implementation. Run as a program, this prints
names and shapes: tools/goldens/models.py SPEC... [--classes N] [--image-size S] [--count].
"""

import argparse

import torch
import torchvision

import models_plain
import models_residual
from models_common import Scaling

TRUTH = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}


class Options(dict):
    """A spec's options; each must be asked for once, and what nobody asks for is an error."""

    def __init__(self, text):
        name, _, rest = text.partition(":")
        super().__init__(item.split("=", 1) for item in rest.split(",") if item)
        self.name, self.text = name, text

    def take(self, key, otherwise):
        if key not in self:
            return otherwise
        value = self.pop(key)
        return TRUTH[value] if isinstance(otherwise, bool) else type(otherwise)(value)

    def finish(self):
        if self:
            raise SystemExit(f"models.py: {self.text}: no option {', '.join(self)}")


class ResNet(torchvision.models.ResNet):
    """torchvision's, with channels scaled and, on demand, a stem for small images (3x3, stride 1, no pooling)."""

    def __init__(self, block, depths, classes, scaled, stem, channels):
        super().__init__(block, depths, classes)
        first = scaled(64)
        kernel = {"kernel_size": 3, "padding": 1} if stem == "cifar" else {"kernel_size": 7, "stride": 2, "padding": 3}
        self.conv1 = torch.nn.Conv2d(channels, first, bias=False, **kernel)
        self.bn1 = torch.nn.BatchNorm2d(first)
        if stem == "cifar":
            self.maxpool = torch.nn.Identity()
        self.inplanes = first
        for i, depth in enumerate(depths):
            layer = self._make_layer(block, scaled(64 << i), depth, stride=1 if i == 0 else 2)
            setattr(self, f"layer{i + 1}", layer)
        self.fc = torch.nn.Linear(self.inplanes, classes)


def resnet_torchvision(name, options, scaled, shape, classes):
    basic, bottleneck = torchvision.models.resnet.BasicBlock, torchvision.models.resnet.Bottleneck
    block, depths = {
        "resnet18": (basic, [2, 2, 2, 2]),
        "resnet34": (basic, [3, 4, 6, 3]),
        "resnet50": (bottleneck, [3, 4, 6, 3]),
    }[name]
    return ResNet(block, depths, classes, scaled, options.take("stem", "imagenet"), shape[2])


def densenet_bc(depth, growth, scaled, shape, classes):
    """DenseNet-BC for 32x32 (Huang et al. 2017): three blocks, bottlenecks, halving; torchvision's names."""
    growth = scaled(growth, 4)
    layers = (depth - 4) // 6
    net = torchvision.models.DenseNet(growth, (layers,) * 3, 2 * growth, num_classes=classes)
    net.features.conv0 = torch.nn.Conv2d(shape[2], 2 * growth, 3, padding=1, bias=False)
    del net.features.norm0, net.features.relu0, net.features.pool0
    return net


class ReLU6(torch.nn.ReLU6):
    """PyTorch 1.13 has no backward pass of its own in bf16; of what can stand in for it this was as fast as any."""

    def forward(self, x):
        return torch.relu(x).clamp_max(6) if x.dtype == torch.bfloat16 else super().forward(x)


def mobilenetv2(options, width, shape, classes):
    dropout = options.take("dropout", 0.2)
    net = torchvision.models.MobileNetV2(classes, width_mult=width, dropout=dropout)
    stem = net.features[0][0]
    stride = (2, 2)
    if options.take("stem", "imagenet") == "cifar":  # kuangliu's: the first two of five reductions left out
        stride = (1, 1)
        net.features[2].conv[1][0].stride = (1, 1)
    for module in list(net.modules()):
        for name, child in module.named_children():
            if isinstance(child, torch.nn.ReLU6):
                setattr(module, name, ReLU6())
    net.features[0][0] = torch.nn.Conv2d(shape[2], stem.out_channels, 3, stride, padding=1, bias=False)
    return net


def squeezenet1_1(options, scaled, shape, classes):
    """torchvision's; its constructor knows no widths, so the convolutions are made anew in their places."""
    net = torchvision.models.SqueezeNet("1_1", classes, dropout=options.take("dropout", 0.5))
    for name, old in list(net.named_modules()):
        if isinstance(old, torch.nn.Conv2d):
            inputs = shape[2] if name == "features.0" else scaled_concat(old.in_channels, name, scaled)
            outputs = classes if name == "classifier.1" else scaled(old.out_channels)
            parent, _, child = name.rpartition(".")
            new = torch.nn.Conv2d(inputs, outputs, old.kernel_size, old.stride, old.padding)
            setattr(net.get_submodule(parent), child, new)
    return net


def scaled_concat(channels, name, scaled):
    """Inputs of squeezes and of the classifier are two halves side by side, but for the first squeeze."""
    whole = "expand" in name or name == "features.3.squeeze"
    return scaled(channels) if whole else 2 * scaled(channels // 2)


def build(text, shape, classes):
    """The network of a spec for images of `shape` (height, width, channels)."""
    options = Options(text)
    width = options.take("width", 1.0)
    for start in ("init", "zero-init"):  # how weights start is not PyTorch's business here: they are given
        options.pop(start, None)
    scaled = Scaling(width)
    name, *numbers = options.name.split("-")
    if options.name in ("resnet18", "resnet34", "resnet50"):
        net = resnet_torchvision(options.name, options, scaled, shape, classes)
    elif name == "mobilenetv2":
        net = mobilenetv2(options, width, shape, classes)
    elif name == "squeezenet1_1":
        net = squeezenet1_1(options, scaled, shape, classes)
    elif name == "densenet":
        net = densenet_bc(int(numbers[1]), int(numbers[2]), scaled, shape, classes)
    else:
        make = models_plain.make(options, scaled, shape, classes)
        net = make or models_residual.make(options, scaled, shape, classes)
    if net is None:
        raise SystemExit(f"models.py: there is no model '{options.name}'")
    options.finish()
    return net


def without_dropout(net):
    for module in net.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return net


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("specs", metavar="SPEC", nargs="+")
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--count", action="store_true", help="only the number of parameters")
    arguments = parser.parse_args()
    for spec in arguments.specs:
        net = build(spec, (arguments.image_size, arguments.image_size, 3), arguments.classes)
        print(spec, sum(p.numel() for p in net.parameters()))
        if not arguments.count:
            for name, p in net.named_parameters():
                print(f"  {name} {list(p.shape)}{'' if p.requires_grad else ' frozen'}")


if __name__ == "__main__":
    main()
