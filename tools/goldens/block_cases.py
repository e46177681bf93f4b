"""The cases of whole blocks: what architectures are made of, and what a planner of graphs may get wrong.

That is values which are shared, added to themselves, or fused with one reader while another one waits.
"""

from golden import SYNC, ghost
from layers import FLATTEN, GLOBAL_POOL, RELU, Chain, conv, linear, norm, op, pool
from op_cases import case

SILU = op("silu")
WAYS = (SYNC, ghost(16))  # 50 images: shards of 13, 13, 12, 12


def block(net, **options):
    return case(*net.net, **{"batch": 50, "runs": WAYS, "sound": True, "draws": 6, **options})


def conv_norm(i, out, kernel=3, **options):
    """Convolution and batch-norm number i, without a bias, of the same size unless there is a stride."""
    return conv(f"conv{i}", out, kernel, padding=kernel // 2, bias=False, **options), norm(f"bn{i}")


def residual_cases():
    net = Chain(*conv_norm(1, 16), RELU)
    x = net.value
    net(*conv_norm(2, 16), RELU)
    net.add(net(*conv_norm(3, 16)), x)
    net(RELU, GLOBAL_POOL, linear("fc", 10))
    yield "residual", block(net)

    net = Chain(*conv_norm(1, 11), RELU)
    x = net.value
    net(*conv_norm(2, 11), RELU)
    net.add(x, net(*conv_norm(3, 11)))
    net(RELU, GLOBAL_POOL, linear("fc", 10))
    yield "residual-odd-channels", block(net)

    net = Chain(*conv_norm(1, 16), RELU)
    x = net.value
    net(*conv_norm(2, 24, stride=2), RELU)
    y = net(*conv_norm(3, 24))
    net.add(y, net(*conv_norm(4, 24, 1, stride=2), of=x))
    net(RELU, FLATTEN)
    yield "residual-projection", block(net)

    net = Chain(*conv_norm(1, 16), RELU)
    x = net.value
    net(*conv_norm(2, 32, stride=2), RELU)
    y = net(*conv_norm(3, 32))
    net.add(y, net(op("pad_channels", before=8, behind=8, stride=2), of=x))
    net(RELU, GLOBAL_POOL, linear("fc", 10))
    yield "residual-type-a", block(net)

    # He et al. 2016, "Identity Mappings": the first block shares its activation, the second one adds to the sum.
    net = Chain(*conv_norm(1, 16), RELU)
    x = net.value
    y = net(*conv_norm(2, 24, stride=2), RELU, conv("conv3", 24, padding=1, bias=False))
    x = net.add(y, net(conv("shortcut", 24, 1, stride=2, bias=False), of=x))
    net(norm("bn4"), RELU, conv("conv4", 24, padding=1, bias=False))
    net(norm("bn5"), RELU, conv("conv5", 24, padding=1, bias=False))
    net.add(net.value, x)
    net(norm("bn6"), RELU, GLOBAL_POOL, linear("fc", 10))
    yield "preactivation", block(net)

    # ResNet-D: the shortcut pools, then projects.
    net = Chain(*conv_norm(1, 16), RELU)
    x = net.value
    y = net(*conv_norm(2, 24, stride=2))
    net.add(net(op("avg_pool", kernel=2, ceil_mode=True, count_include_pad=False), *conv_norm(3, 24, 1), of=x), y)
    net(RELU, FLATTEN)
    yield "residual-pooled-shortcut", block(net)

    net = Chain(*conv_norm(1, 16), RELU)
    x = net.value
    net(conv("conv2", 16, 5, padding=2, groups=16), op("gelu"), norm("bn2"))
    net.add(net.value, x)
    net(conv("conv3", 24, 1), op("gelu"), norm("bn3"), GLOBAL_POOL, linear("fc", 10))
    yield "convmixer", block(net)

    net = Chain(*conv_norm(1, 12), op("relu6"))
    x = net.value
    net(*conv_norm(2, 36, 1), op("relu6"), *conv_norm(3, 36, groups=36), op("relu6"), *conv_norm(4, 12, 1))
    x = net.add(x, net.value)
    net(*conv_norm(5, 36, 1), op("relu6"), *conv_norm(6, 36, groups=36, stride=2), op("relu6"), *conv_norm(7, 20, 1))
    net(GLOBAL_POOL, linear("fc", 10))
    yield "inverted-residual", block(net)

    # ConvNeXt with its layer scale.
    net = Chain(conv("conv1", 16, 2, stride=2), op("layer_norm", "ln1"))
    x = net.value
    net(conv("conv2", 16, 7, padding=3, groups=16), op("layer_norm", "ln2"), conv("conv3", 64, 1), op("gelu"))
    net(conv("conv4", 16, 1), op("scale", "scale1", weight=True, bias=False))
    net.add(x, net.value)
    net(GLOBAL_POOL, op("layer_norm", "ln3"), linear("fc", 10))
    yield "convnext", block(net, runs=(SYNC,))


def shared_cases():
    net = Chain(*conv_norm(1, 16), RELU)
    x = net.value
    a = net(conv("conv2", 16, padding=1), of=x)
    b = net(*conv_norm(3, 16), RELU, of=x)
    net.add(net.add(a, b), x)
    net(FLATTEN)
    yield "used-three-times", block(net)

    # The norm's result is read raw by one and activated by the other.
    net = Chain(*conv_norm(1, 16))
    x = net.value
    y = net(RELU, conv("conv2", 16, padding=1), of=x)
    net.add(y, x)
    net(FLATTEN)
    yield "norm-shared-raw", block(net)

    net = Chain(conv("conv1", 16, padding=1))
    x = net.value
    a, b = net(norm("bn1"), RELU, of=x), net(norm("bn2"), SILU, of=x)
    net.concat(a, b, x)
    net(conv("conv2", 12, padding=1), FLATTEN)
    yield "two-norms-of-one", block(net)

    net = Chain(*conv_norm(1, 16), RELU)
    x = net.value
    a = net(*conv_norm(2, 8), RELU, of=x)
    b = net(*conv_norm(3, 24, 1), RELU, of=x)
    c = net.concat(a, x, b)
    d = net(conv("conv4", 8, 1), of=c)
    s = net.add(a, d)
    net.concat(net(*conv_norm(5, 24, 1), of=b), s)
    net(FLATTEN)
    yield "concat-shared", block(net)

    net = Chain(conv("conv1", 5, padding=1))
    a = net.value
    b = net(conv("conv2", 3), op("adaptive_max_pool", out=[7, 9]))
    net.concat(b, a, b, 0)
    net(conv("conv3", 8), FLATTEN)
    yield "concat-odd-twice-input", block(net, runs=(SYNC,))

    net = Chain(*conv_norm(1, 16))
    net.add(net.value, net.value)
    net(RELU, FLATTEN)
    yield "add-itself", block(net)

    net = Chain(conv("conv1", 3, padding=1))
    net.add(0, net.value)
    net.add(net.value, 0)
    net(RELU, conv("conv2", 8), FLATTEN)
    yield "add-input", block(net, runs=(SYNC,))

    net = Chain(*conv_norm(1, 16), RELU)
    x = net.value
    a, b = net(*conv_norm(2, 16), of=x), net(*conv_norm(3, 16, 1), of=x)
    net.add(net.add(a, b), a)
    net(RELU, FLATTEN)
    yield "two-adds", block(net)

    net = Chain(*conv_norm(1, 16), RELU)
    x = net.value
    for i in 2, 4:
        net(*conv_norm(i, 16), RELU, *conv_norm(i + 1, 16))
        x = net(RELU, of=net.add(net.value, x))
    net(GLOBAL_POOL, linear("fc", 10))
    yield "two-residuals", block(net)

    net = Chain(conv("conv1", 16, padding=1))
    a = net(pool(2), conv("conv2", 16, 1), of=1)
    b = net(op("avg_pool", kernel=2), of=1)
    net.add(a, b)
    c = net(op("multiply", factor=0.5), of=net.value)
    net(op("sigmoid"), of=a)
    net.add(net.value, c)
    net(FLATTEN)
    yield "pools-of-one", block(net, runs=(SYNC,))

    net = Chain(FLATTEN, linear("fc1", 24), RELU)
    x = net.value
    net.add(net(linear("fc2", 24), norm("bn2"), RELU), x)
    net.concat(net.value, x)
    net(linear("fc3", 10))
    yield "flat-residual", block(net, input=(4, 5, 3))


def fusion_cases():
    """What may run as one pass, and with which neighbours."""
    for name, activation in ("relu", RELU), ("silu", SILU), ("prelu", op("prelu", "act1", per_channel=True)):
        net = Chain(conv("conv1", 16, padding=1), norm("bn1"), activation, pool(2))
        yield f"norm-{name}-pool", block(Chain(*net.net, FLATTEN))
    net = Chain(*conv_norm(1, 16), RELU, op("avg_pool", kernel=2))
    net(*conv_norm(2, 20), SILU, op("adaptive_avg_pool", out=[2, 3]), FLATTEN)
    yield "norm-activation-avg", block(net)
    yield "norm-pool-relu", block(Chain(*conv_norm(1, 16), pool(2), RELU, FLATTEN))
    yield "norm-pool3-overlapping", block(Chain(*conv_norm(1, 16), RELU, pool(3, stride=2, padding=1), FLATTEN))
    yield "relu-norm", block(Chain(conv("conv1", 16, padding=1), RELU, norm("bn1"), FLATTEN))
    yield "norm-blur", block(Chain(*conv_norm(1, 16), RELU, op("blur_pool", size=3, stride=2), FLATTEN))
    net = Chain(conv("conv1", 16, padding=1), op("group_norm", "gn1", groups=4), SILU)
    net(conv("conv2", 8, padding=1), FLATTEN)
    yield "group-norm-silu", block(net, runs=(SYNC,))

    net = Chain(*conv_norm(1, 16), RELU)
    x = net.value
    net.add(net(*conv_norm(2, 16)), x)
    net(RELU, pool(2), FLATTEN)
    yield "add-relu-pool", block(net)

    net = Chain(*conv_norm(1, 16), RELU)
    x = net.value
    net.add(net(*conv_norm(2, 16)), x)
    net(norm("bn3"), SILU, pool(2), *conv_norm(4, 8), FLATTEN)
    yield "add-norm-silu-pool", block(net)

    # The sum is needed by itself, and activated, and pooled.
    net = Chain(*conv_norm(1, 16), RELU)
    x = net.value
    s = net.add(net(*conv_norm(2, 16)), x)
    net(RELU, pool(2), FLATTEN)
    y = net.value
    net(GLOBAL_POOL, FLATTEN, of=s)
    net.concat(y, net.value)
    net(linear("fc", 10))
    yield "add-shared", block(net)

    # Keller Jordan's airbench: pool before norm, gelu after; a frozen stem with a bias, weights of norms that stay.
    frozen = {"trainable_weight": False, "momentum": 0.4}
    net = Chain(conv("whiten", 24, 2, trainable=False), op("gelu"))
    net(conv("conv1", 16, padding=1, bias=False), pool(2), norm("norm1", **frozen), op("gelu"))
    net(conv("conv2", 16, padding=1, bias=False), norm("norm2", **frozen), op("gelu"))
    net(op("adaptive_max_pool", out=1), FLATTEN, linear("head", 10, bias=False), op("multiply", factor=0.125))
    yield "airbench", block(net)


def gated_cases():
    def squeeze_excite(net, x, channels, i=1, gate="sigmoid"):
        net(GLOBAL_POOL, conv(f"squeeze{i}", max(2, channels // 4), 1), RELU, conv(f"excite{i}", channels, 1), of=x)
        return net(op("gate"), of=[x, net(op(gate))])

    net = Chain(conv("conv1", 16, padding=1))
    squeeze_excite(net, net.value, 16)
    net(FLATTEN)
    yield "gate", block(net, runs=(SYNC,))

    net = Chain(*conv_norm(1, 16), RELU)
    x = net.value
    y = squeeze_excite(net, net(*conv_norm(2, 16)), 16)
    net.add(y, x)
    net(RELU, GLOBAL_POOL, linear("fc", 10))
    yield "se-residual", block(net)

    # MobileNetV3: dense layers, hard sigmoid, odd channels.
    net = Chain(*conv_norm(1, 22, groups=1), op("hardswish"), *conv_norm(2, 22, groups=22), op("hardswish"))
    x = net.value
    net(GLOBAL_POOL, FLATTEN, linear("fc1", 6), RELU, linear("fc2", 22), op("hardsigmoid"))
    net(op("gate"), of=[x, net.value])
    net(*conv_norm(3, 9, 1), FLATTEN)
    yield "se-hard", block(net)


def branched_cases():
    def fire(net, i, squeeze, expand):
        x = net(conv(f"squeeze{i}", squeeze, 1), RELU)
        a = net(conv(f"expand1x1_{i}", expand, 1), RELU, of=x)
        return net.concat(a, net(conv(f"expand3x3_{i}", expand, 3, padding=1), RELU, of=x))

    net = Chain(conv("conv1", 16, stride=2), RELU, pool(3, stride=2, ceil_mode=True))
    fire(net, 2, 8, 16)
    fire(net, 3, 6, 12)
    net(conv("classifier", 10, 1), RELU, GLOBAL_POOL)
    yield "fire", block(net, runs=(SYNC,), input=(13, 18, 3))

    # DenseNet-BC: what is concatenated is concatenated again.
    net = Chain(conv("conv0", 16, padding=1, bias=False))
    x = net.value
    for i in 1, 3, 5:
        net(norm(f"bn{i}"), RELU, conv(f"conv{i}", 24, 1, bias=False), of=x)
        net(norm(f"bn{i + 1}"), RELU, conv(f"conv{i + 1}", 6, padding=1, bias=False))
        x = net.concat(x, net.value)
    net(norm("bn7"), RELU, conv("conv7", 17, 1, bias=False), op("avg_pool", kernel=2))
    net(norm("bn8"), RELU, GLOBAL_POOL, linear("fc", 10))
    yield "dense-block", block(net)

    # Concatenated once, of all before.
    net = Chain(conv("conv0", 12, padding=1, bias=False))
    values = [net.value]
    for i in 1, 2, 3:
        if len(values) > 1:
            net.concat(*values)
        values.append(net(norm(f"bn{i}"), RELU, conv(f"conv{i}", 8, padding=1, bias=False)))
    net.concat(*values)
    net(norm("bn4"), RELU, GLOBAL_POOL, linear("fc", 10))
    yield "dense-block-flat", block(net)

    # Inception's module, with max-pool among the branches.
    net = Chain(*conv_norm(1, 16), RELU)
    x = net.value
    a = net(*conv_norm(2, 8, 1), RELU, of=x)
    b = net(conv("conv3", 8, [1, 3], padding=[0, 1], bias=False), norm("bn3"), RELU, of=x)
    net(conv("conv4", 8, [3, 1], padding=[1, 0], bias=False), norm("bn4"), RELU)
    c = net.value
    d = net(pool(3, stride=1, padding=1), *conv_norm(5, 5, 1), RELU, of=x)
    net.concat(a, b, c, d)
    net(GLOBAL_POOL, linear("fc", 10))
    yield "inception", block(net)

    # Lin et al. 2013: 1x1 convolutions, the last ones are the classes.
    net = Chain(conv("conv1", 16, 5, padding=2), RELU, conv("cccp1", 12, 1), RELU, pool(3, stride=2, ceil_mode=True))
    net(conv("conv2", 16, padding=1), RELU, conv("cccp2", 10, 1), RELU, GLOBAL_POOL)
    yield "nin", block(net, runs=(SYNC,))


def cases():
    """name, case of each."""
    for some in residual_cases, shared_cases, fusion_cases, gated_cases, branched_cases:
        yield from some()
