#!/usr/bin/python3
"""PyTorch's side of bench/versus_pytorch: its training step on what bench_step has exported.

    bench/pytorch_step.py FOLDER [--autocast] [--channels-last]

run as a program, in a process of its own, takes a few steps and prints how much memory one needs, as a line of JSON.
"""

import argparse
import json
import pathlib
import struct
import sys
import time

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools" / "goldens"))
import models  # noqa: E402

LR, MOMENTUM, WEIGHT_DECAY = 0.1, 0.9, 5e-4
KINDS = (False, False), (True, False), (True, True)  # autocast, channels_last


def read_safetensors(path):
    raw = path.read_bytes()
    (size,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + size])
    header.pop("__metadata__", None)
    data = raw[8 + size :]
    return {
        name: np.frombuffer(data[slice(*entry["data_offsets"])], "<f4").reshape(entry["shape"]).copy()
        for name, entry in header.items()
    }


class Inputs:
    """What bench_step --export wrote: the layer table, images as floats in PyTorch's layout, labels, weights."""

    def __init__(self, folder):
        self.table = json.loads((folder / "model.json").read_text())
        self.weights = read_safetensors(folder / "weights.safetensors")
        self.labels = torch.from_numpy(np.fromfile(folder / "labels.i32", "<i4").astype(np.int64))
        channels, height, width = self.table["input"]
        pixels = torch.from_numpy(np.fromfile(folder / "images.u8", np.uint8))
        pixels = pixels.view(-1, height, width, channels).permute(0, 3, 1, 2)
        self.images = pixels.float().div(255).contiguous()


class PyTorch:
    def __init__(self, inputs, autocast, channels_last, batch=128, dropout=True):
        self.name = f"PyTorch {'bf16 autocast' if autocast else 'fp32'}{', channels_last' if channels_last else ''}"
        self.inputs, self.autocast, self.batch, self.position = inputs, autocast, batch, 0
        memory_format = torch.channels_last if channels_last else torch.contiguous_format
        channels, height, width = inputs.table["input"]
        net = models.build(inputs.table["model"], (height, width, channels), inputs.table["classes"])
        names = [name for name, _ in net.named_parameters()]
        if sorted(names) != sorted(inputs.weights):
            raise SystemExit(f"pytorch_step: {inputs.table['model']}: parameters differ: "
                             f"{sorted(set(names) ^ set(inputs.weights))}")
        for name, weights in inputs.weights.items():
            net.get_parameter(name).data.copy_(torch.from_numpy(weights))
        self.net = (net if dropout else models.without_dropout(net)).to(memory_format=memory_format).train()
        trained = [p for p in net.parameters() if p.requires_grad]
        self.optimizer = torch.optim.SGD(trained, lr=LR, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
        self.x = torch.empty(batch, channels, height, width).to(memory_format=memory_format)
        self.labels = torch.empty(batch, dtype=torch.int64)

    def step(self):
        first = self.position % (len(self.inputs.labels) // self.batch) * self.batch
        self.position += 1
        self.x.copy_(self.inputs.images[first : first + self.batch])
        self.labels.copy_(self.inputs.labels[first : first + self.batch])
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.autocast):
            loss = torch.nn.functional.cross_entropy(self.net(self.x), self.labels)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def run(self, steps):
        seconds, losses = [], []
        for _ in range(steps):
            begin = time.perf_counter()
            losses.append(self.step())
            seconds.append(time.perf_counter() - begin)
        return seconds, losses

    def close(self):
        pass


def resident(field):
    """VmRSS or VmHWM (its peak) of this process, in bytes."""
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise SystemExit("pytorch_step: /proc/self/status has no " + field)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--autocast", action="store_true")
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    inputs = Inputs(arguments.folder)
    kind = arguments.autocast, arguments.channels_last
    # A step of two images brings in libraries, threads, gradients and momentum: what then comes on top is the step's.
    full, small = (PyTorch(inputs, *kind, batch) for batch in (arguments.batch, 2))
    full.net, full.optimizer = small.net, small.optimizer
    small.run(1)
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before = resident("VmRSS")
    full.run(arguments.steps)
    print(json.dumps({"step_bytes": resident("VmHWM") - before}))


if __name__ == "__main__":
    main()
