"""The cases of single operations, forward and backward.

Heights and widths differ, so that a net which confuses them fails. Most operations stand behind a convolution, whose
gradients show what they hand back.
"""

from golden import SYNC, ghost
from layers import FLATTEN, RELU, conv, linear, norm, op, pool

NORMED = (SYNC, ghost(4), ghost(5))  # 10 images: shards of 4, 3, 3 and of 5, 5
# Larger: roundings tip ReLUs and maxima over, and their number should be that of a law, not of luck.
LARGE = {"batch": 50, "runs": (SYNC, ghost(16), ghost(25))}  # shards of 13, 13, 12, 12


def case(*net, input=(7, 9, 3), batch=10, runs=(SYNC,), loss="linear", **options):
    return {"input": input, "batch": batch, "net": list(net), "loss": loss, "steps": 1, "runs": runs, **options}


def first_cases():
    """Those of the chain that SmallNet is."""
    yield "conv3x3", case(conv("conv1", 8, padding=1), FLATTEN)
    yield "conv3x3-no-bias", case(conv("conv1", 8, padding=1, bias=False), FLATTEN)
    yield "conv3x3-valid", case(conv("conv1", 8), FLATTEN)
    yield "conv3x3-twice", case(conv("conv1", 16, padding=1), conv("conv2", 24, padding=1), FLATTEN)
    yield "conv3x3-stride2", case(conv("conv1", 16, padding=1), conv("conv2", 16, stride=2, padding=1), FLATTEN)
    yield "conv5x5", case(conv("conv1", 16, 5, padding=2), conv("conv2", 8, 5, padding=2), FLATTEN)
    yield "conv1x1", case(conv("conv1", 16, padding=1), conv("conv2", 32, 1), FLATTEN)
    yield "conv-odd-channels", case(conv("conv1", 5, padding=1), conv("conv2", 7, padding=1), FLATTEN)
    yield "conv-bn", case(conv("conv1", 16, padding=1), norm("bn1"), FLATTEN, runs=NORMED)
    yield "conv-bn-odd-channels", case(conv("conv1", 11, padding=1), norm("bn1"), FLATTEN, runs=NORMED)
    # So few numbers a channel that n and n - 1 differ.
    yield "conv-bn-few", case(conv("conv1", 16, padding=1), norm("bn1"), FLATTEN, input=(2, 3, 3), runs=NORMED)
    yield "conv-relu", case(conv("conv1", 16, padding=1), RELU, FLATTEN)
    yield "pool2", case(conv("conv1", 16, padding=1), pool(2), FLATTEN, input=(8, 12, 3))
    yield "pool2-odd", case(conv("conv1", 16, padding=1), pool(2), FLATTEN)
    yield "pool3-stride2", case(conv("conv1", 16, padding=1), pool(3, stride=2, padding=1), FLATTEN)
    yield "linear", case(FLATTEN, linear("fc1", 10), input=(4, 5, 3))
    yield "linear-no-bias", case(FLATTEN, linear("fc1", 10, bias=False), input=(4, 5, 3))
    yield "linear-relu", case(FLATTEN, linear("fc1", 33), RELU, linear("fc2", 10), input=(4, 5, 3))
    yield "conv-flatten-linear", case(conv("conv1", 16, padding=1), FLATTEN, linear("fc1", 10))
    block = conv("conv1", 16, padding=1), norm("bn1"), RELU, pool(2)
    yield "block", case(*block, FLATTEN, input=(14, 18, 3), **LARGE)
    second = conv("conv2", 32, padding=1), norm("bn2"), RELU, pool(2)
    options = {"input": (15, 22, 3), "loss": "cross_entropy", **LARGE}
    yield "block-odd-linear", case(*block, *second, FLATTEN, linear("fc1", 10), **options)


def conv_cases():
    """Two convolutions, so that the second one hands a gradient back."""

    def convs(first, *options, **more):
        return case(conv("conv1", first, padding=1), conv("conv2", *options, **more), FLATTEN)

    yield "conv-stride2-1x1", convs(16, 24, 1, stride=2)
    yield "conv-stride-2x1", convs(16, 8, 3, stride=[2, 1], padding=1)
    yield "conv-stride3-valid", convs(16, 8, 5, stride=3)
    yield "conv-pad-more", convs(8, 16, 3, padding=2)
    yield "conv-dilated", convs(16, 16, 3, padding=2, dilation=2)
    yield "conv-dilated-3x2-stride2", convs(16, 8, 3, padding=[3, 2], dilation=[3, 2], stride=2)
    yield "conv1x7", convs(16, 16, [1, 7], padding=[0, 3])
    yield "conv5x1", convs(12, 16, [5, 1], padding=[2, 0], bias=False)
    yield "conv2x2-patch", case(conv("conv1", 16, 2, stride=2), conv("conv2", 16, 2), FLATTEN)
    yield "conv-groups2", convs(16, 32, 3, padding=1, groups=2)
    yield "conv-groups3-odd", convs(9, 15, 3, padding=1, groups=3, bias=False)
    yield "conv-groups4-stride2", convs(64, 64, 3, padding=1, stride=2, groups=4)
    yield "conv1x1-groups4", convs(32, 16, 1, groups=4)
    yield "depthwise3x3", convs(16, 16, 3, padding=1, groups=16)
    yield "depthwise3x3-odd", convs(11, 11, 3, padding=1, groups=11, bias=False)
    yield "depthwise3x3-stride2", convs(32, 32, 3, padding=1, stride=2, groups=32, bias=False)
    yield "depthwise5x5", convs(24, 24, 5, padding=2, groups=24)
    yield "depthwise-dilated", convs(16, 16, 3, padding=2, dilation=2, groups=16)
    yield "depthwise-1x5", convs(16, 16, [1, 5], padding=[0, 2], groups=16)
    yield "depthwise-x2", convs(8, 16, 3, padding=1, groups=8)
    yield "conv-frozen", case(conv("conv1", 16, 2, trainable=False), conv("conv2", 8, padding=1), FLATTEN)
    frozen = conv("conv2", 16, padding=1, trainable=False, bias=False)
    yield "conv-frozen-inside", case(conv("conv1", 16, padding=1), frozen, FLATTEN)


def pool_cases():
    def pooled(kind, *, channels=16, input=(7, 9, 3), **options):
        net = conv("conv1", channels, padding=1), op(kind, **options), FLATTEN
        return case(*net, input=input, batch=50 if "max" in kind else 10, sound=True)

    yield "pool2-ceil", pooled("max_pool", kernel=2, ceil_mode=True)
    yield "pool3-ceil-odd", pooled("max_pool", kernel=3, stride=2, ceil_mode=True, channels=13, input=(6, 9, 3))
    yield "pool3-ceil-pad", pooled("max_pool", kernel=3, stride=2, padding=1, ceil_mode=True, input=(6, 8, 3))
    yield "pool3-ceil-small", pooled("max_pool", kernel=3, stride=2, ceil_mode=True, input=(2, 7, 3))  # of two rows
    yield "avg3-ceil-small", pooled("avg_pool", kernel=3, stride=2, ceil_mode=True, input=(7, 2, 3))
    yield "pool3-stride1", pooled("max_pool", kernel=3, stride=1, padding=1)
    yield "pool-2x3", pooled("max_pool", kernel=[2, 3], stride=[1, 2], padding=[1, 0])
    for kind in "avg", "max":
        yield f"global-{kind}-pool", pooled(f"adaptive_{kind}_pool", out=1)
        yield f"global-{kind}-pool-odd", pooled(f"adaptive_{kind}_pool", out=1, channels=21)
        yield f"adaptive-{kind}-pool", pooled(f"adaptive_{kind}_pool", out=[3, 4])
        yield f"adaptive-{kind}-pool-wider", pooled(f"adaptive_{kind}_pool", out=[9, 2], channels=5)
    yield "avg2", pooled("avg_pool", kernel=2)
    yield "avg3-stride2-pad", pooled("avg_pool", kernel=3, stride=2, padding=1)
    yield "avg3-pad-not-counted", pooled("avg_pool", kernel=3, stride=2, padding=1, count_include_pad=False)
    yield "avg3-ceil-odd", pooled("avg_pool", kernel=3, stride=2, ceil_mode=True, channels=13, input=(6, 8, 3))
    yield "avg3-ceil-pad", pooled("avg_pool", kernel=3, stride=2, padding=1, ceil_mode=True, input=(6, 8, 3))
    not_counted = {"ceil_mode": True, "count_include_pad": False}
    yield "avg-4x3-ceil-not-counted", pooled("avg_pool", kernel=[4, 3], stride=[3, 2], padding=[2, 1], **not_counted)
    for size, stride in (3, 2), (2, 2), (5, 2), (4, 1), (7, 3), (1, 2):
        channels = 16 if size % 2 else 11
        yield f"blur{size}-stride{stride}", pooled("blur_pool", size=size, stride=stride, channels=channels)


def norm_cases():
    """Behind a convolution, and before another."""

    def normed(*layers, channels=16, input=(7, 9, 3), runs=(SYNC,), batch=10):
        last = conv("conv2", 8, padding=1)
        net = conv("conv1", channels, padding=1), *layers, last, FLATTEN
        return case(*net, input=input, runs=runs, batch=batch)

    yield "bn-eps-momentum", normed(norm("bn1", eps=1e-2, momentum=0.4), runs=NORMED)
    yield "bn-frozen-weight", normed(norm("bn1", trainable_weight=False), op("gelu"), runs=NORMED)
    yield "bn-flat", case(FLATTEN, linear("fc1", 24), norm("bn1"), linear("fc2", 10), input=(4, 5, 3), runs=NORMED)
    yield "bn-input", case(norm("bn1"), conv("conv1", 16, padding=1), FLATTEN, runs=NORMED)
    yield "bn-alone", case(norm("bn1"), FLATTEN, input=(5, 6, 11), runs=NORMED)
    yield "group-norm", normed(op("group_norm", "gn1", groups=4))
    yield "group-norm-1", normed(op("group_norm", "gn1", groups=1), channels=24)
    yield "group-norm-odd", normed(op("group_norm", "gn1", groups=3), channels=15)
    yield "group-norm-plain", normed(op("group_norm", "gn1", groups=2, affine=False))
    yield "instance-norm", normed(op("instance_norm", "in1"))
    yield "instance-norm-affine", normed(op("instance_norm", "in1", affine=True), channels=11)
    yield "layer-norm", normed(op("layer_norm", "ln1"))
    yield "layer-norm-odd", normed(op("layer_norm", "ln1"), channels=37)
    flat = FLATTEN, linear("fc1", 24), op("layer_norm", "ln1"), linear("fc2", 10)
    yield "layer-norm-flat", case(*flat, input=(4, 5, 3))


def pointwise_cases():
    """Inputs are widened, so that they reach every piece of the functions."""
    wide = op("multiply", factor=8.0)
    activations = {
        **{kind: {} for kind in ("relu6", "gelu", "gelu_tanh", "silu", "mish")},
        **{kind: {} for kind in ("hardswish", "hardsigmoid", "sigmoid", "tanh")},
        "leaky_relu": {"alpha": 0.01},
        "elu": {"alpha": 0.5},
    }
    sound = {"batch": 50, "sound": True}
    for kind, options in activations.items():
        name = kind.replace("_", "-")
        first = conv("conv1", 11, padding=1)
        yield name, case(first, wide, op(kind, **options), FLATTEN, **sound)
    yield "elu-1", case(conv("conv1", 16, padding=1), wide, op("elu", alpha=1.0), FLATTEN, **sound)
    yield "relu-flat", case(FLATTEN, linear("fc1", 24), RELU, linear("fc2", 10), input=(4, 5, 3), **sound)
    yield "silu-flat", case(FLATTEN, linear("fc1", 24), op("silu"), linear("fc2", 10), input=(4, 5, 3))
    yield "prelu", case(conv("conv1", 16, padding=1), op("prelu", "act1"), FLATTEN, **sound)
    yield "prelu-channels", case(conv("conv1", 11, padding=1), op("prelu", "act1", per_channel=True), FLATTEN, **sound)
    for name, weight, bias in ("scale", True, False), ("bias", False, True), ("scale-bias", True, True):
        layer = op("scale", "scale1", weight=weight, bias=bias)
        yield name, case(conv("conv1", 11, padding=1, bias=False), layer, FLATTEN)
    logits = linear("fc1", 10, bias=False), op("multiply", factor=0.125)
    yield "multiply", case(conv("conv1", 16, padding=1), op("multiply", factor=-1.5), FLATTEN, *logits)
    yield "bias-input", case(op("scale", "scale1", weight=True, bias=True), conv("conv1", 8, padding=1), FLATTEN)
    yield "pad-channels", case(conv("conv1", 16, padding=1), op("pad_channels", before=8, behind=8), FLATTEN)
    strided = op("pad_channels", before=2, behind=5, stride=2)
    yield "pad-channels-stride2", case(conv("conv1", 11, padding=1), strided, FLATTEN)
    yield "subsample", case(conv("conv1", 16, padding=1), op("pad_channels", before=0, behind=0, stride=3), FLATTEN)


def cases():
    """name, case of each."""
    for some in first_cases, conv_cases, pool_cases, norm_cases, pointwise_cases:
        yield from some()
