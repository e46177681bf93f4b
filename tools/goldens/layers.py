"""Layers of a description (nets.py) as short calls, and `Chain`, which writes down graphs without counting values."""


def conv(name, out, kernel=3, **options):
    return ["conv2d", name, {"out": out, "kernel": kernel, **options}]


def norm(name, **options):
    return ["batch_norm", name, options]


def pool(kernel, **options):
    return ["max_pool", "", {"kernel": kernel, **options}]


def linear(name, out, **options):
    return ["linear", name, {"out": out, **options}]


def op(kind, name="", **options):
    return [kind, name, options]


RELU = op("relu")
FLATTEN = op("flatten")
GLOBAL_POOL = op("adaptive_avg_pool", out=1)


class Chain:
    """A net under construction: each call appends layers, each reading the one before, and returns the last value."""

    def __init__(self, *layers):
        self.net = []
        self(*layers)

    @property
    def value(self):
        """The last one."""
        return len(self.net)

    def __call__(self, *layers, of=None):
        """`of` is the value, or the list of values, that the first of the layers reads; else the last one."""
        for i, (kind, name, options) in enumerate(layers):
            if i == 0 and of is not None:
                options = {**options, "inputs": of if isinstance(of, list) else [of]}
            self.net.append([kind, name, options])
        return self.value

    def add(self, *values):
        return self(op("add"), of=list(values))

    def concat(self, *values):
        return self(op("concat"), of=list(values))
