#!/usr/bin/python3
"""Goldens of random graphs: operations, shapes, branches and shared values drawn from a seed.

    tools/goldens/random_graphs.py --out DIR [--count 200] [--seed N]

Without --seed the day gives it. A few such goldens are committed (make.py); for others, run nn_test on the folder:

    FRUGAL_GOLDENS=DIR build/release/tests/nn_test --gtest_filter='*Golden*'
"""

import argparse
import datetime
import itertools
import multiprocessing
import pathlib

import golden
import nets
import philox
from golden import SYNC, ghost
from layers import FLATTEN, GLOBAL_POOL, RELU, Chain, conv, linear, norm, op, pool

LAYER_DRAWS = 4000  # of the test streams (tensors.py)
BATCH, SHARD = 24, 7  # shards of 6
CLASSES = 10
CHANNELS = 3, 5, 8, 11, 16, 20, 32
# Where PyTorch's own bf16 is so far off, a case says nothing of bf16.
HOPELESS = 0.3


class Draw:
    """Numbers from Philox, one after another."""

    def __init__(self, seed):
        self.words = iter(philox.words(seed, LAYER_DRAWS, 4096))

    def below(self, n):
        return int(philox.uniform_below(next(self.words), n))

    def choice(self, items):
        return items[self.below(len(items))]

    def chance(self, percent):
        return self.below(100) < percent


class Drawing:
    """A graph that grows by one operation, or a few that go together, at a time. Shapes are PyTorch's."""

    def __init__(self, draw):
        self.draw = draw
        self.input = [5 + draw.below(7), 5 + draw.below(7), draw.choice((1, 3, 4))]
        self.net = Chain()
        self.names = {}
        height, width, channels = self.input
        self.shapes = [(channels, height, width)]
        # Values whose scale or offset a norm would take out again: its gradients would be nothing but rounding.
        self.plain = {0}
        self.used = {0}

    def name(self, kind):
        self.names[kind] = self.names.get(kind, 0) + 1
        return f"{kind}{self.names[kind]}"

    def put(self, layer, *inputs, plain=None):
        """Appends a layer; its result is as plain as the first input unless told."""
        self.net(layer, of=None if inputs == (self.net.value,) else list(inputs))
        self.used.update(inputs)
        self.shapes = [tuple(shape) for shape in nets.Net(self.net.net, self.input, 0).shapes]
        if inputs[0] in self.plain if plain is None else plain:
            self.plain.add(self.net.value)
        return self.net.value

    def ends(self):
        return [i for i in range(1, len(self.shapes)) if i not in self.used]

    def old(self):
        """Mostly the last value; else one that nothing reads yet, or any but the input."""
        if self.draw.chance(60):
            return self.net.value
        return self.draw.choice(self.ends()) if self.draw.chance(50) else 1 + self.draw.below(self.net.value)

    # Each of these takes a value and appends something that reads it, or returns None where it cannot.

    def conv(self, x):
        draw, (channels, height, width) = self.draw, self.shapes[x]
        kernel = [draw.choice((1, 1, 2, 3, 3, 3, 5)), draw.choice((1, 2, 3, 3, 5))]
        if draw.chance(75):
            kernel[1] = kernel[0]
        dilation = 2 if draw.chance(10) else 1
        padding = [dilation * (k - 1) // 2 if draw.chance(85) else 0 for k in kernel]
        stride = [2, 2] if draw.chance(15) else [2, 1] if draw.chance(5) else [1, 1]
        if any(s + 2 * p < dilation * (k - 1) + 1 for s, p, k in zip((height, width), padding, kernel)):
            return None
        out = draw.choice(CHANNELS)
        groups = 1
        if draw.chance(25) and kernel != [1, 1]:
            groups = out = channels
        elif draw.chance(20):
            groups = next(g for g in (4, 3, 2, 1) if channels % g == 0)
            out = groups * (2 + draw.below(6))
        options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        options["bias"] = draw.chance(50)
        if draw.chance(8):
            options["trainable"] = False
        plain = groups < channels or channels == 1
        return self.put(conv(self.name("conv"), out, kernel, **options), x, plain=plain)

    def norm(self, x):
        draw, (channels, height, width) = self.draw, self.shapes[x]
        if x not in self.plain or height * width < 6:
            return None
        kind = draw.choice(("batch_norm", "batch_norm", "batch_norm", "group_norm", "instance_norm", "layer_norm"))
        if kind == "layer_norm" and channels < 4:
            return None
        options = {}
        if kind == "group_norm":
            options["groups"] = next(g for g in (4, 3, 2, 1) if channels % g == 0)
        elif kind == "instance_norm":
            options["affine"] = draw.chance(50)
        elif kind == "batch_norm" and draw.chance(20):
            options = {"eps": 1e-3, "momentum": 0.3}
        return self.put(op(kind, self.name("norm"), **options), x, plain=False)

    def activation(self, x):
        kind = self.draw.choice(("relu", "relu", "relu", "prelu", *nets.ACTIVATIONS))
        if kind == "prelu":
            return self.put(op(kind, self.name("act"), per_channel=self.draw.chance(50)), x, plain=True)
        options = {"leaky_relu": {"alpha": 0.125}, "elu": {"alpha": 0.75}}.get(kind, {})
        return self.put(op(kind, **options), x, plain=True)

    def norm_activation(self, x):
        x = self.norm(x)
        return x and self.activation(x)

    def pool(self, x):
        draw, (_, height, width) = self.draw, self.shapes[x]
        if min(height, width) < 4:
            return None
        kind = draw.below(4)
        if kind == 2:
            return self.put(op("blur_pool", size=1 + draw.below(5), stride=1 + draw.below(2)), x)
        if kind == 3:
            out = [1 + draw.below(height), 1 + draw.below(width)]
            return self.put(op(draw.choice(("adaptive_avg_pool", "adaptive_max_pool")), out=out), x)
        options = {"kernel": draw.choice((2, 3, [2, 3])), "stride": draw.choice((1, 2, 2, [1, 2]))}
        options.update({"padding": draw.below(2), "ceil_mode": draw.chance(30)})
        if kind == 0:
            return self.put(op("avg_pool", **options, count_include_pad=draw.chance(50)), x)
        return self.put(pool(**options), x)

    def scale(self, x):
        if self.draw.chance(40):
            return self.put(op("multiply", factor=self.draw.choice((0.5, 2.0, -1.25))), x)
        weight = self.draw.chance(70)
        layer = op("scale", self.name("scale"), weight=weight, bias=True if not weight else self.draw.chance(50))
        return self.put(layer, x, plain=False)

    def pad_channels(self, x):
        before, behind = self.draw.below(4), self.draw.below(4)
        return self.put(op("pad_channels", before=before, behind=behind, stride=1 + self.draw.below(2)), x)

    def gate(self, x):
        channels = self.shapes[x][0]
        y = self.put(GLOBAL_POOL, x)
        y = self.put(conv(self.name("squeeze"), 4, 1), y, plain=True)
        y = self.put(RELU, y)
        y = self.put(conv(self.name("excite"), channels, 1), y)
        y = self.put(op(self.draw.choice(("sigmoid", "hardsigmoid"))), y)
        return self.put(op("gate"), x, y)

    def add(self, x):
        """With a value of the same shape, or one that a convolution brings there."""
        channels, height, width = self.shapes[x]
        same = [i for i in range(len(self.shapes)) if self.shapes[i] == self.shapes[x] and i != x]
        near = [i for i in range(len(self.shapes)) if self.shapes[i][1:] == (height, width) and i != x]
        if same and self.draw.chance(80):
            y = self.draw.choice(same)
        elif near and self.draw.chance(90):
            y = self.put(conv(self.name("conv"), channels, 1, bias=False), self.draw.choice(near), plain=True)
        else:
            y = x
        a, b = (x, y) if self.draw.chance(50) else (y, x)
        return self.put(op("add"), a, b, plain=x in self.plain and y in self.plain)

    def concat(self, x):
        near = [i for i in range(len(self.shapes)) if self.shapes[i][1:] == self.shapes[x][1:] and i != x]
        values = [x] + [self.draw.choice(near) for _ in range(1 + self.draw.below(2)) if near]
        if sum(self.shapes[i][0] for i in values) > 64:
            return None
        k = self.draw.below(len(values))
        values = values[k:] + values[:k]
        return self.put(op("concat"), *values, plain=all(i in self.plain for i in values))

    def residual(self, x):
        """What most networks are made of: convolution and norm once or twice, added to where they began."""
        channels = self.shapes[x][0]
        y = x
        for _ in range(1 + self.draw.below(2)):
            y = self.put(conv(self.name("conv"), channels, 3, padding=1, bias=False), y, plain=True)
            y = self.norm(y) or y
            if self.draw.chance(50):
                y = self.activation(y)
        return self.put(op("add"), y, x, plain=x in self.plain and y in self.plain)

    def finish(self):
        """All loose ends meet in the logits."""
        flat = []
        for x in self.ends():
            if self.draw.chance(70) or self.shapes[x][1] * self.shapes[x][2] > 30:
                # Seldom the maximum: among bf16 numbers it is luck, and no limit that follows from it is sharp.
                x = self.put(op("adaptive_max_pool", out=1) if self.draw.chance(5) else GLOBAL_POOL, x)
            if self.shapes[x][1:] != (1, 1) or self.draw.chance(50):
                x = self.put(FLATTEN, x)
            flat.append(x)
        x = self.put(op("concat"), *flat) if len(flat) > 1 else flat[0]
        if self.draw.chance(25):
            x = self.put(linear(self.name("fc"), 24), x)
            x = self.put(RELU, x)
        self.put(linear(self.name("fc"), CLASSES, bias=self.draw.chance(80)), x)


def draw_case(seed):
    draw = Draw(seed)
    graph = Drawing(draw)
    first = graph.norm(0) if draw.chance(10) else None
    while graph.conv(first or 0) is None:
        pass
    kinds = {
        **{graph.conv: 5, graph.norm: 1, graph.activation: 2, graph.norm_activation: 4, graph.pool: 5, graph.scale: 1},
        **{graph.pad_channels: 1, graph.gate: 1, graph.add: 3, graph.concat: 2, graph.residual: 3},
    }
    weighted = [kind for kind, weight in kinds.items() for _ in range(weight)]
    size = 5 + draw.below(14)
    while graph.net.value < size:
        draw.choice(weighted)(graph.old())
    graph.finish()
    has_norm = any(kind == "batch_norm" for kind, _, _ in graph.net.net)
    return {
        "input": graph.input,
        "batch": BATCH,
        "net": graph.net.net,
        "loss": draw.choice(("linear", "cross_entropy")),
        "steps": 1,
        "sound": True,
        "draws": 6,
        "runs": (SYNC, ghost(SHARD)) if has_norm else (SYNC,),
    }


def make(name, seed):
    """The golden of random graph number `seed`: the first of its draws that PyTorch itself computes well."""
    for draw in itertools.count():
        try:
            record = golden.golden(name, draw_case((seed << 8) + draw))
        except golden.Unsound:
            continue
        results = [r for way in record["runs"] for r in way["results"].values() if "zero_beside" not in r]
        if max(r["bf16_error"] for r in results) < HOPELESS:
            return record


def write(task):
    path, seed = task
    golden.make_repeatable()
    golden.write(path, make(path.stem, seed))
    print(path.stem, flush=True)


def main():
    today = datetime.date.today()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=today.year * 10000 + today.month * 100 + today.day)
    arguments = parser.parse_args()
    if not 1 <= arguments.count <= 1000 or not 1 <= arguments.seed < 2**31:
        parser.error("--count is 1 to 1000, --seed 1 to 2147483647")
    arguments.out.mkdir(parents=True, exist_ok=True)
    tasks = [
        (arguments.out / f"random-{arguments.seed}-{i:03}.json", (arguments.seed << 10) + i)
        for i in range(arguments.count)
    ]
    with multiprocessing.Pool() as pool_of_processes:
        pool_of_processes.map(write, tasks, chunksize=1)


if __name__ == "__main__":
    main()
