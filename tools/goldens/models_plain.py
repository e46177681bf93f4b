"""Networks without residual stages: the notebook's two, VGG, network in network, ConvMixer, airbench."""

import torch
import torch.nn.functional as F


class SmallNet(torch.nn.Module):
    """The notebook's network, with its author's variants; without batch-norm and with two convolutions, `baseline`."""

    def __init__(self, scaled, shape, classes, convs, dense, batch_norm, conv_dropout, dense_dropout):
        super().__init__()
        channels, self.convs = shape[2], convs
        for i in range(1, convs + 1):
            outputs = scaled(16 << i)
            self.add_module(f"conv{i}", torch.nn.Conv2d(channels, outputs, 3, padding=1))
            if batch_norm:
                self.add_module(f"bn{i}", torch.nn.BatchNorm2d(outputs))
            channels = outputs
        self.conv_dropout, self.dense_dropout = torch.nn.Dropout(conv_dropout), torch.nn.Dropout(dense_dropout)
        self.fc1 = torch.nn.Linear(channels * (shape[0] >> convs) * (shape[1] >> convs), scaled(dense))
        self.fc2 = torch.nn.Linear(scaled(dense), classes)

    def forward(self, x):
        for i in range(1, self.convs + 1):
            x = getattr(self, f"conv{i}")(x)
            if hasattr(self, f"bn{i}"):
                x = getattr(self, f"bn{i}")(x)
            x = F.max_pool2d(self.conv_dropout(torch.relu(x)), 2)
        return self.fc2(self.dense_dropout(torch.relu(self.fc1(x.flatten(1)))))


VGG_CHANNELS = {
    "vgg11": (64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"),
    "vgg16": (64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M"),
}


class VGG(torch.nn.Module):
    """Simonyan & Zisserman 2015 with batch-norm and one dense layer; names of kuangliu/pytorch-cifar."""

    def __init__(self, name, scaled, shape, classes):
        super().__init__()
        channels = shape[2]
        self.features = torch.nn.Sequential()
        for step in VGG_CHANNELS[name]:
            if step == "M":
                layers = [torch.nn.MaxPool2d(2)]
            else:
                conv = torch.nn.Conv2d(channels, scaled(step), 3, padding=1)
                channels = scaled(step)
                layers = [conv, torch.nn.BatchNorm2d(channels), torch.nn.ReLU()]
            for layer in layers:
                self.features.append(layer)
        self.classifier = torch.nn.Linear(channels, classes)

    def forward(self, x):
        return self.classifier(F.adaptive_avg_pool2d(self.features(x), 1).flatten(1))


class NetworkInNetwork(torch.nn.Module):
    """Lin et al. 2013 for CIFAR: pooling rounds up, and the logits are averages behind a last ReLU."""

    def __init__(self, scaled, shape, classes, dropout):
        super().__init__()
        channels = shape[2]
        for name, outputs, kernel in (
            *(("conv1", 192, 5), ("cccp1", 160, 1), ("cccp2", 96, 1)),
            *(("conv2", 192, 5), ("cccp3", 192, 1), ("cccp4", 192, 1)),
            *(("conv3", 192, 3), ("cccp5", 192, 1), ("cccp6", classes, 1)),
        ):
            outputs = classes if name == "cccp6" else scaled(outputs)
            self.add_module(name, torch.nn.Conv2d(channels, outputs, kernel, padding=kernel // 2))
            channels = outputs
        self.dropout = torch.nn.Dropout(dropout)

    def forward(self, x):
        def block(x, *layers):
            for layer in layers:
                x = torch.relu(layer(x))
            return x

        x = F.max_pool2d(block(x, self.conv1, self.cccp1, self.cccp2), 3, 2, ceil_mode=True)
        x = block(self.dropout(x), self.conv2, self.cccp3, self.cccp4)
        x = self.dropout(F.avg_pool2d(x, 3, 2, ceil_mode=True))
        x = block(x, self.conv3, self.cccp5, self.cccp6)
        return F.adaptive_avg_pool2d(x, 1).flatten(1)


class Residual(torch.nn.Module):
    def __init__(self, *layers):
        super().__init__()
        self.fn = torch.nn.Sequential(*layers)

    def forward(self, x):
        return self.fn(x) + x


class ConvMixer(torch.nn.Module):
    """Trockman & Kolter 2022; names of timm (and of the authors' own fork of it)."""

    def __init__(self, width, depth, shape, classes, kernel, patch):
        super().__init__()

        def normed(conv):
            return conv, torch.nn.GELU(), torch.nn.BatchNorm2d(width)

        def depthwise():
            return torch.nn.Conv2d(width, width, kernel, padding=kernel // 2, groups=width)

        self.stem = torch.nn.Sequential(*normed(torch.nn.Conv2d(shape[2], width, patch, stride=patch)))
        self.blocks = torch.nn.Sequential(
            *(
                torch.nn.Sequential(Residual(*normed(depthwise())), *normed(torch.nn.Conv2d(width, width, 1)))
                for _ in range(depth)
            )
        )
        self.head = torch.nn.Linear(width, classes)

    def forward(self, x):
        return self.head(F.adaptive_avg_pool2d(self.blocks(self.stem(x)), 1).flatten(1))


class AirbenchGroup(torch.nn.Module):
    """Two convolutions, or three and a residual connection around the last two; pooling before the first norm."""

    def __init__(self, inputs, outputs, convs, momentum):
        super().__init__()
        self.convs = convs
        for i in range(1, convs + 1):
            self.add_module(f"conv{i}", torch.nn.Conv2d(inputs, outputs, 3, padding=1, bias=False))
            norm = torch.nn.BatchNorm2d(outputs, eps=1e-12, momentum=momentum)
            norm.weight.requires_grad = False
            self.add_module(f"norm{i}", norm)
            inputs = outputs

    def forward(self, x):
        x = first = F.gelu(self.norm1(F.max_pool2d(self.conv1(x), 2)))
        x = self.norm2(self.conv2(x))
        if self.convs == 3:
            x = self.norm3(self.conv3(F.gelu(x))) + first
        return F.gelu(x)


class Airbench(torch.nn.Module):
    """Keller Jordan 2024, legacy/airbench94.py and airbench96.py; names of his later airbench94_muon.py.

    The whitening convolution's weights are computed from the data, once; only its bias is trained.
    """

    def __init__(self, widths, convs, momentum, shape, classes):
        super().__init__()
        whitened = 2 * shape[2] * 2 * 2
        self.whiten = torch.nn.Conv2d(shape[2], whitened, 2)
        self.whiten.weight.requires_grad = False
        inputs = (whitened, *widths)
        groups = [AirbenchGroup(i, o, convs, momentum) for i, o in zip(inputs, widths)]
        self.layers = torch.nn.Sequential(torch.nn.GELU(), *groups, torch.nn.MaxPool2d(3))
        self.head = torch.nn.Linear(widths[-1], classes, bias=False)

    def forward(self, x):
        return self.head(self.layers(self.whiten(x)).flatten(1)) / 9


def make(options, scaled, shape, classes):
    """The module, or None where the name is not one of these."""
    name, *numbers = options.name.split("-")
    if name == "baseline":
        return SmallNet(scaled, shape, classes, 2, 200, False, 0.0, 0.0)
    if name == "smallnet":
        return SmallNet(
            scaled,
            shape,
            classes,
            options.take("convs", 3),
            options.take("dense-width", 420),
            options.take("batch-norm", True),
            options.take("conv-dropout", 0.1),
            options.take("dense-dropout", 0.2),
        )
    if name in VGG_CHANNELS:
        return VGG(name, scaled, shape, classes)
    if name == "nin":
        return NetworkInNetwork(scaled, shape, classes, options.take("dropout", 0.5))
    if name == "convmixer":
        width, depth = map(int, numbers)
        kernel, patch = options.take("kernel", 5), options.take("patch", 2)
        return ConvMixer(scaled(width), depth, shape, classes, kernel, patch)
    if name == "airbench94":
        return Airbench([scaled(c) for c in (64, 256, 256)], 2, 0.4, shape, classes)
    if name == "airbench96":
        return Airbench([scaled(c) for c in (128, 384, 512)], 3, 0.1, shape, classes)
    return None
