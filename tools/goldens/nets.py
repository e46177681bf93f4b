"""PyTorch networks from the descriptions that the goldens carry, so that the C++ test builds the very same graph.

A description is a list of layers [operation, name, options]; names are empty where an operation has no parameters.
Values are numbered: 0 is the input, i the output of the i-th layer. A layer reads the one before it, or those that its
option "inputs" lists. Every value is [n, c, h, w] here, flat features [n, c, 1, 1]; the last one gives the logits.
"""

import math

import torch
import torch.nn.functional as F


def shards(count, shard):
    """Sizes of the ceil(count / shard) shards of a batch: they differ by at most one, larger ones first."""
    parts = -(-count // shard)
    return [count // parts + (i < count % parts) for i in range(parts)]


class BatchNorm(torch.nn.BatchNorm2d):
    """Batch-norm whose training statistics are those of each shard (`ghost`) or of the batch (shard 0).

    Running statistics follow the whole batch in both cases, as PyTorch's do: unbiased variance.
    """

    def __init__(self, channels, shard, **options):
        super().__init__(channels, **options)
        self.shard = shard

    def forward(self, x):
        if not self.training or not self.shard:
            return super().forward(x)
        with torch.no_grad():
            F.batch_norm(x, self.running_mean, self.running_var, training=True, momentum=self.momentum)
        parts = torch.split(x, shards(x.shape[0], self.shard))
        parts = [F.batch_norm(p, None, None, self.weight, self.bias, True, eps=self.eps) for p in parts]
        return torch.cat(parts)


class InSinglePrecision(torch.nn.Module):
    """What PyTorch 1.13 lacks in bf16 on a CPU is done in fp32 between bf16 tensors; fp32 and fp64 stay as they are."""

    def forward(self, x):
        return super().forward(x.float() if x.dtype == torch.bfloat16 else x)


class GroupNorm(InSinglePrecision, torch.nn.GroupNorm):
    pass


class LayerNorm(InSinglePrecision, torch.nn.LayerNorm):
    """Over the channels of each position."""

    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ReLU6(InSinglePrecision, torch.nn.ReLU6):
    pass


class Mish(InSinglePrecision, torch.nn.Mish):
    pass


class Linear(torch.nn.Linear):
    def forward(self, x):
        return super().forward(x.flatten(1))[:, :, None, None]


class Flatten(torch.nn.Module):
    """To features in the order channel, row, column."""

    def forward(self, x):
        return x.flatten(1)[:, :, None, None]


class Scale(torch.nn.Module):
    """factor * weight * x + bias, with a weight and a bias a channel where asked for."""

    def __init__(self, channels, factor=1, weight=False, bias=False):
        super().__init__()
        self.factor = factor
        self.weight = torch.nn.Parameter(torch.ones(channels)) if weight else None
        self.bias = torch.nn.Parameter(torch.zeros(channels)) if bias else None

    def forward(self, x):
        x = x * self.factor
        if self.weight is not None:
            x = x * self.weight[:, None, None]
        return x if self.bias is None else x + self.bias[:, None, None]


class BlurPool(torch.nn.Module):
    """Zhang, "Making Convolutional Networks Shift-Invariant Again", ICML 2019: reflect, binomial filter, stride."""

    def __init__(self, channels, size, stride):
        super().__init__()
        taps = torch.tensor([math.comb(size - 1, i) for i in range(size)], dtype=torch.float64)
        kernel = torch.outer(taps, taps) / taps.sum() ** 2
        self.register_buffer("kernel", kernel.float().repeat(channels, 1, 1, 1))  # exact: sums of powers of two
        self.padding = [(size - 1) // 2, size // 2] * 2
        self.stride = stride

    def forward(self, x):
        return F.conv2d(F.pad(x, self.padding, mode="reflect"), self.kernel, stride=self.stride, groups=x.shape[1])


class PadChannels(torch.nn.Module):
    """He et al. 2016, shortcut A: every stride-th position, zero channels before and behind."""

    def __init__(self, before, behind, stride=1):
        super().__init__()
        self.before, self.behind, self.stride = before, behind, stride

    def forward(self, x):
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.before, self.behind))


class Add(torch.nn.Module):
    def forward(self, a, b):
        return a + b


class Concat(torch.nn.Module):
    def forward(self, *values):
        return torch.cat(values, 1)


class Gate(torch.nn.Module):
    def forward(self, x, factors):
        return x * factors


ACTIVATIONS = {
    "relu": lambda: torch.nn.ReLU(),
    "relu6": lambda: ReLU6(),
    "leaky_relu": lambda alpha: torch.nn.LeakyReLU(alpha),
    "elu": lambda alpha: torch.nn.ELU(alpha),
    "gelu": lambda: torch.nn.GELU(),
    "gelu_tanh": lambda: torch.nn.GELU(approximate="tanh"),
    "silu": lambda: torch.nn.SiLU(),
    "mish": lambda: Mish(),
    "hardswish": lambda: torch.nn.Hardswish(),
    "hardsigmoid": lambda: torch.nn.Hardsigmoid(),
    "sigmoid": lambda: torch.nn.Sigmoid(),
    "tanh": lambda: torch.nn.Tanh(),
}


def conv2d(channels, out, kernel, stride=1, padding=0, dilation=1, groups=1, bias=True, trainable=True):
    module = torch.nn.Conv2d(channels, out, kernel, stride, padding, dilation, groups, bias)
    module.weight.requires_grad_(trainable)
    return module


def batch_norm(channels, shard, trainable_weight=True, **options):
    module = BatchNorm(channels, shard, **options)
    module.weight.requires_grad_(trainable_weight)
    return module


def make(kind, o, channels, shard):
    """The module of a layer with options `o`, whose first input has `channels`."""
    if kind in ACTIVATIONS:
        return ACTIVATIONS[kind](**o)
    return {
        "conv2d": lambda: conv2d(channels, **o),
        "linear": lambda: Linear(channels, o["out"], o.get("bias", True)),
        "batch_norm": lambda: batch_norm(channels, shard, **o),
        "group_norm": lambda: GroupNorm(num_channels=channels, num_groups=o["groups"], affine=o.get("affine", True)),
        "instance_norm": lambda: torch.nn.InstanceNorm2d(channels, affine=o.get("affine", False)),
        "layer_norm": lambda: LayerNorm(channels),
        "prelu": lambda: torch.nn.PReLU(channels if o.get("per_channel", False) else 1),
        "scale": lambda: Scale(channels, weight=o["weight"], bias=o["bias"]),
        "multiply": lambda: Scale(channels, factor=o["factor"]),
        "max_pool": lambda: torch.nn.MaxPool2d(o["kernel"], **{k: v for k, v in o.items() if k != "kernel"}),
        "avg_pool": lambda: torch.nn.AvgPool2d(o["kernel"], **{k: v for k, v in o.items() if k != "kernel"}),
        "adaptive_avg_pool": lambda: torch.nn.AdaptiveAvgPool2d(o["out"]),
        "adaptive_max_pool": lambda: torch.nn.AdaptiveMaxPool2d(o["out"]),
        "blur_pool": lambda: BlurPool(channels, o["size"], o["stride"]),
        "flatten": lambda: Flatten(),
        "add": lambda: Add(),
        "concat": lambda: Concat(),
        "gate": lambda: Gate(),
        "pad_channels": lambda: PadChannels(**o),
    }[kind]()


class Net(torch.nn.Module):
    """A described network. `shapes[i]` is value i's [c, h, w], as PyTorch finds it."""

    def __init__(self, description, input_shape, shard):
        super().__init__()
        height, width, channels = input_shape
        self.steps = []
        values = [torch.zeros(1, channels, height, width)]
        with torch.no_grad():
            for i, (kind, name, options) in enumerate(description):
                o = {k: tuple(v) if isinstance(v, list) else v for k, v in options.items() if k != "inputs"}
                inputs = options.get("inputs", [i])
                module = make(kind, o, values[inputs[0]].shape[1], shard).eval()
                self.add_module(name or f"{kind}{i}", module)
                self.steps.append((module, inputs))
                values.append(module(*[values[k] for k in inputs]))
        self.shapes = [list(v.shape[1:]) for v in values]

    def values(self, x):
        """Every value, the input's first."""
        values = [x]
        for module, inputs in self.steps:
            y = module(*[values[k] for k in inputs])
            # Weights in fp32 turn bf16 activations into fp32 where autocast does not know the operation.
            values.append(y.to(x.dtype))
        return values

    def forward(self, x):
        return self.values(x)[-1].flatten(1)


def build(description, input_shape, shard):
    """The network and its number of classes; `input_shape` is (height, width, channels)."""
    net = Net(description, input_shape, shard)
    return net, net.shapes[-1][0]


def smallnet(classes=100, dense_width=420):
    """The notebook's network without dropout."""
    net = []
    for i, channels in (1, 32), (2, 64), (3, 128):
        net.append(["conv2d", f"conv{i}", {"out": channels, "kernel": 3, "padding": 1}])
        net.append(["batch_norm", f"bn{i}", {}])
        net.append(["relu", "", {}])
        net.append(["max_pool", "", {"kernel": 2}])
    net.append(["flatten", "", {}])
    net.append(["linear", "fc1", {"out": dense_width}])
    net.append(["relu", "", {}])
    net.append(["linear", "fc2", {"out": classes}])
    return net
