#!/usr/bin/python3
"""ONNX files as torch.onnx.export writes them, with PyTorch's logits: tests/goldens/onnx.

    tools/goldens/onnx_files.py

Each is a small network in evaluation mode, with uneven statistics, exported in one of the ways that people export. The
committed files are PyTorch 1.13.1's.
"""

import json
import pathlib
import warnings

import torch
import torch.nn.functional as F
from torch import nn

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "goldens" / "onnx"
KEEP = torch.onnx.TrainingMode.PRESERVE  # batch-norm stays; else it is folded


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """torchvision's names."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.layer1 = nn.Sequential(Block(4, 4, 1), Block(4, 6, 2))
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(6, 5)

    def forward(self, x):
        x = self.layer1(F.relu(self.bn1(self.conv1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


class SqueezeExcite(nn.Module):
    """Reshapes by view, sizes taken from the input."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.fc = nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 8), nn.Sigmoid())
        self.head = nn.Linear(8 * 6 * 6, 5)

    def forward(self, x):
        x = self.conv(x)
        b, c, _, _ = x.size()
        y = F.adaptive_avg_pool2d(x, 1).view(b, c)
        x = x * self.fc(y).view(b, c, 1, 1)
        return self.head(x.view(x.size(0), -1))


class ShortcutA(nn.Module):
    """akamaster's shortcut: every second position, zero channels around."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 7, 3, 2, 1)
        self.linear = nn.Linear(7, 5)

    def forward(self, x):
        y = self.conv1(x) + F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 2, 2), "constant", 0)
        y = F.avg_pool2d(y, 4)
        return self.linear(y.view(y.size(0), -1))


class Dense(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(3, 4, 3, padding=1)
        self.b = nn.Conv2d(7, 4, 3, padding=2, dilation=2)
        self.drop = nn.Dropout(0.25)
        self.fc = nn.Linear(11, 5, bias=False)

    def forward(self, x):
        x = torch.cat([x, F.relu(self.a(x))], 1)
        x = torch.cat([x, F.relu(self.b(x))], 1)
        return self.fc(self.drop(x).mean([2, 3]))


def activations():
    layers = [nn.Conv2d(3, 6, 3, padding=1)]
    for act in (nn.ReLU6(), nn.LeakyReLU(0.2), nn.PReLU(6), nn.PReLU(), nn.ELU(0.5), nn.Sigmoid(), nn.Tanh(),
                nn.Hardsigmoid(), nn.Hardswish(), nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.Mish()):
        layers += [act, nn.Conv2d(6, 6, 1)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(6 * 64, 5))


def pools():
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.MaxPool2d(3, 1, 1), nn.AvgPool2d(3, 1, 1),
        nn.AvgPool2d(3, 1, 1, count_include_pad=False), nn.MaxPool2d(3, 2, ceil_mode=True),
        nn.Conv2d(6, 6, (1, 3), groups=6, padding=(0, 1)), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(24, 5))


def norms():
    return nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.GroupNorm(3, 6), nn.ReLU(), nn.InstanceNorm2d(6), nn.Conv2d(6, 6, 3),
        nn.InstanceNorm2d(6, affine=True), nn.Flatten(), nn.Linear(96, 8), nn.LayerNorm(8), nn.Linear(8, 8),
        nn.BatchNorm1d(8), nn.Linear(8, 5))


CASES = {
    # name: network, options of the export
    "resnet-kept": (ResNet, {"training": KEEP, "opset_version": 17}),
    "resnet-folded": (ResNet, {"opset_version": 14}),
    "resnet-any-batch": (ResNet, {"training": KEEP, "opset_version": 11,
                                  "dynamic_axes": {"images": {0: "n"}, "scores": {0: "n"}}}),
    "squeeze-excite": (SqueezeExcite, {"opset_version": 17}),
    "squeeze-excite-any-batch": (SqueezeExcite, {"opset_version": 13, "dynamic_axes": {"images": {0: "n"}}}),
    "shortcut-a": (ShortcutA, {"opset_version": 17}),
    "dense": (Dense, {"training": KEEP, "opset_version": 17}),
    "activations": (activations, {"opset_version": 17}),
    "pools": (pools, {"opset_version": 17}),
    "norms": (norms, {"training": KEEP, "opset_version": 17}),
}


def main():
    warnings.filterwarnings("ignore")
    OUT.mkdir(parents=True, exist_ok=True)
    for seed, (name, (make, options)) in enumerate(CASES.items()):
        torch.manual_seed(seed)
        net = make().eval()
        with torch.no_grad():
            for module in net.modules():
                if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
                    module.running_mean.normal_(0, 0.2)
                    module.running_var.uniform_(0.5, 1.5)
                    module.weight.uniform_(0.5, 1.5)
                    module.bias.normal_(0, 0.2)
            images = torch.randn(2, 3, 8, 8).mul(64).round().div(64)
            logits = net(images)
        torch.onnx.export(net, images, OUT / f"{name}.onnx", input_names=["images"], output_names=["scores"], **options)
        record = {"torch": torch.__version__, "parameters": sum(p.numel() for p in net.parameters()),
                  "images": images.flatten().tolist(), "logits": [float(f"{v:.9g}") for v in logits.flatten().tolist()]}
        (OUT / f"{name}.json").write_text(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
