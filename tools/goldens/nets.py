"""PyTorch networks from the descriptions that the goldens carry, so that the C++ test builds the very same graph.

A description is a list of [operation, name, options]; names are empty where an operation has no parameters.
"""

import torch
import torch.nn.functional as F


def shards(count, shard):
    """Sizes of the ceil(count / shard) shards of a batch: they differ by at most one, larger ones first."""
    parts = -(-count // shard)
    return [count // parts + (i < count % parts) for i in range(parts)]


class BatchNorm(torch.nn.BatchNorm2d):
    """Batch-norm whose training statistics are those of each shard (`ghost`) or of the batch (shard 0).

    Running statistics follow the whole batch in both cases, as PyTorch's do: momentum 0.1, unbiased variance.
    """

    def __init__(self, channels, shard):
        super().__init__(channels)
        self.shard = shard

    def forward(self, x):
        if not self.training or not self.shard:
            return super().forward(x)
        with torch.no_grad():
            F.batch_norm(x, self.running_mean, self.running_var, training=True, momentum=self.momentum)
        parts = torch.split(x, shards(x.shape[0], self.shard))
        parts = [F.batch_norm(p, None, None, self.weight, self.bias, True, eps=self.eps) for p in parts]
        return torch.cat(parts)


def build(description, input_shape, shard):
    """A torch.nn.Sequential; `input_shape` is (height, width, channels)."""
    height, width, channels = input_shape
    net = torch.nn.Sequential()
    for i, (kind, name, o) in enumerate(description):
        if kind in ("conv2d", "max_pool"):
            stride, padding = o.get("stride", o["kernel"] if kind == "max_pool" else 1), o.get("padding", 0)
            height = (height + 2 * padding - o["kernel"]) // stride + 1
            width = (width + 2 * padding - o["kernel"]) // stride + 1
        if kind == "conv2d":
            module = torch.nn.Conv2d(channels, o["out"], o["kernel"], stride, padding, bias=o.get("bias", True))
            channels = o["out"]
        elif kind == "batch_norm":
            module = BatchNorm(channels, shard)
        elif kind == "relu":
            module = torch.nn.ReLU()
        elif kind == "max_pool":
            module = torch.nn.MaxPool2d(o["kernel"], stride, padding)
        elif kind == "flatten":
            module = torch.nn.Flatten()
            height, width, channels = 1, 1, height * width * channels
        elif kind == "linear":
            module = torch.nn.Linear(channels, o["out"], bias=o.get("bias", True))
            channels = o["out"]
        else:
            raise ValueError(f"no operation '{kind}'")
        net.add_module(name or f"{kind}{i}", module)
    return net, channels


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
