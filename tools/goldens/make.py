#!/usr/bin/python3
"""Makes tests/goldens/nn/*.json from PyTorch in double precision: what the engine's ops and SmallNet must compute.

    tools/goldens/make.py [--out DIR] [CASE...]

Each case is a small network, inputs by rule (tensors.py), and for every way to run it the results of training steps,
each with PyTorch's own error in fp32 and under bf16 autocast, by which the tests judge ours. Debian's python3-torch
1.13.1 gives the committed files bit for bit. tests/nn/golden_test.cc reads them.
"""

import argparse
import json
import math
import pathlib

import numpy as np
import torch

import nets
import philox
import tensors

GOLDENS = pathlib.Path(__file__).resolve().parents[2] / "tests" / "goldens" / "nn"

# A small rate: ten steps at 0.05 multiply a rounding so much (a ReLU or a maximum tips over, and all that follows
# differs) that PyTorch's own fp32 ends 3 % away from its doubles, and no limit could mean anything.
SGD = {"lr": 0.002, "momentum": 0.9, "weight_decay": 5e-4}


def conv(name, out, kernel=3, **options):
    return ["conv2d", name, {"out": out, "kernel": kernel, **options}]


def norm(name):
    return ["batch_norm", name, {}]


def pool(kernel, **options):
    return ["max_pool", "", {"kernel": kernel, **options}]


def linear(name, out, **options):
    return ["linear", name, {"out": out, **options}]


RELU = ["relu", "", {}]
FLATTEN = ["flatten", "", {}]

SYNC = {"batch_norm": "sync", "shard": 0}


def ghost(shard):
    return {"batch_norm": "ghost", "shard": shard}


def cases():
    """name -> case. Heights and widths differ, so that a net which confuses them fails."""

    def op(*net, input=(7, 9, 3), batch=10, runs=(SYNC,), loss="linear"):
        return {"input": input, "batch": batch, "net": list(net), "loss": loss, "steps": 1, "runs": runs}

    normed = (SYNC, ghost(4), ghost(5))  # 10 images: shards of 4, 3, 3 and of 5, 5
    yield "conv3x3", op(conv("conv1", 8, padding=1), FLATTEN)
    yield "conv3x3-no-bias", op(conv("conv1", 8, padding=1, bias=False), FLATTEN)
    yield "conv3x3-valid", op(conv("conv1", 8), FLATTEN)
    yield "conv3x3-twice", op(conv("conv1", 16, padding=1), conv("conv2", 24, padding=1), FLATTEN)
    yield "conv3x3-stride2", op(conv("conv1", 16, padding=1), conv("conv2", 16, stride=2, padding=1), FLATTEN)
    yield "conv5x5", op(conv("conv1", 16, 5, padding=2), conv("conv2", 8, 5, padding=2), FLATTEN)
    yield "conv1x1", op(conv("conv1", 16, padding=1), conv("conv2", 32, 1), FLATTEN)
    yield "conv-odd-channels", op(conv("conv1", 5, padding=1), conv("conv2", 7, padding=1), FLATTEN)
    yield "conv-bn", op(conv("conv1", 16, padding=1), norm("bn1"), FLATTEN, runs=normed)
    yield "conv-bn-odd-channels", op(conv("conv1", 11, padding=1), norm("bn1"), FLATTEN, runs=normed)
    # So few numbers a channel that n and n - 1 differ.
    yield "conv-bn-few", op(conv("conv1", 16, padding=1), norm("bn1"), FLATTEN, input=(2, 3, 3), runs=normed)
    yield "conv-relu", op(conv("conv1", 16, padding=1), RELU, FLATTEN)
    yield "pool2", op(conv("conv1", 16, padding=1), pool(2), FLATTEN, input=(8, 12, 3))
    yield "pool2-odd", op(conv("conv1", 16, padding=1), pool(2), FLATTEN)
    yield "pool3-stride2", op(conv("conv1", 16, padding=1), pool(3, stride=2, padding=1), FLATTEN)
    yield "linear", op(FLATTEN, linear("fc1", 10), input=(4, 5, 3))
    yield "linear-no-bias", op(FLATTEN, linear("fc1", 10, bias=False), input=(4, 5, 3))
    yield "linear-relu", op(FLATTEN, linear("fc1", 33), RELU, linear("fc2", 10), input=(4, 5, 3))
    yield "conv-flatten-linear", op(conv("conv1", 16, padding=1), FLATTEN, linear("fc1", 10))
    # Larger: roundings tip ReLUs and maxima over, and their number should be that of a law, not of luck.
    large = {"batch": 50, "runs": (SYNC, ghost(16), ghost(25))}  # shards of 13, 13, 12, 12
    yield "block", op(*[conv("conv1", 16, padding=1), norm("bn1"), RELU, pool(2)], FLATTEN, input=(14, 18, 3), **large)
    yield "block-odd-linear", op(
        *[conv("conv1", 16, padding=1), norm("bn1"), RELU, pool(2)],
        *[conv("conv2", 32, padding=1), norm("bn2"), RELU, pool(2)],
        *[FLATTEN, linear("fc1", 10)],
        input=(15, 22, 3), loss="cross_entropy", **large,
    )
    smallnet = {"input": (32, 32, 3), "net": nets.smallnet(), "loss": "cross_entropy", "steps": 10}
    yield "smallnet-128", {**smallnet, "batch": 128, "runs": (SYNC, ghost(32), ghost(16))}
    yield "smallnet-100", {**smallnet, "batch": 100, "runs": (SYNC, ghost(32))}


def initial_rules(net):
    """How each parameter starts: (name, offset, bound), in the graph's order."""
    for name, module in net.named_modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            yield name + ".weight", 1.0, 0.5
            yield name + ".bias", 0.0, 0.5
        elif isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            fan_in = module.weight[0].numel()
            bound = float(np.float32(1 / math.sqrt(fan_in)))
            yield name + ".weight", 0.0, bound
            if module.bias is not None:
                yield name + ".bias", 0.0, bound


def biases_before_norm(description):
    """Their true gradient is zero: batch-norm takes the mean out."""
    for layer, after in zip(description, description[1:]):
        if layer[0] == "conv2d" and after[0] == "batch_norm" and layer[2].get("bias", True):
            yield layer[1]


def run(case, seed, shard, dtype, autocast=False, memory_format=torch.contiguous_format):
    """Results of one way to run a case, by name, as arrays of doubles."""
    net, classes = nets.build(case["net"], case["input"], shard)
    for layer, (name, offset, bound) in enumerate(initial_rules(net)):
        parameter = net.get_parameter(name)
        values = tensors.uniform(seed, layer, parameter.numel(), offset, bound)
        parameter.data.copy_(torch.from_numpy(values).view_as(parameter))
    net.to(dtype, memory_format=memory_format)
    optimizer = torch.optim.SGD(net.parameters(), **SGD)

    def images(step):
        shape = (case["batch"], *case["input"])
        values = tensors.uniform(seed, tensors.LAYER_IMAGES + step, math.prod(shape), 0.5, 0.5).reshape(shape)
        return torch.from_numpy(values).permute(0, 3, 1, 2).to(dtype).contiguous(memory_format=memory_format)

    def loss_of(logits, step):
        layer = tensors.LAYER_TARGETS + step
        if case["loss"] == "cross_entropy":
            labels = tensors.labels(seed, layer, case["batch"], classes)
            return torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels))
        weights = tensors.uniform(seed, layer, logits.numel(), 0, 1).reshape(logits.shape)
        return (logits * torch.from_numpy(weights).to(logits.dtype)).sum() / case["batch"]

    def forward(x):
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            return net(x)

    results = {}

    def keep(name, tensor):
        results[name] = tensor.detach().double().numpy().copy()

    initial = {name: p.detach().double().clone() for name, p in net.named_parameters()}
    losses = []
    net.train()
    for step in range(case["steps"]):
        optimizer.zero_grad()
        logits = forward(images(step)).to(dtype)
        loss = loss_of(logits, step)
        loss.backward()
        losses.append(loss.detach())
        if step == 0:
            keep("logits", logits)
            for name, p in net.named_parameters():
                keep("gradient:" + name, p.grad)
            for name, b in net.named_buffers():
                if "running" in name:
                    keep("running:" + name, b)
        if case["steps"] > 1:
            optimizer.step()
    if case["steps"] > 1:
        for name, p in net.named_parameters():
            keep("change:" + name, p.detach().double() - initial[name])
        for name, b in net.named_buffers():
            if "running" in name:
                keep("final:" + name, b)
    if case["loss"] == "cross_entropy":  # a sum of numbers of both signs has no relative error worth a limit
        keep("losses", torch.stack(losses))
    net.eval()
    with torch.no_grad():
        keep("evaluation", forward(images(case["steps"])))
    return results


def own_errors(runs_of_ways, trues, zero):
    """PyTorch's own error by result: the largest over all ways to run a case and over several orders of its sums.

    One run alone is a poor yardstick: whether a rounding tips a ReLU or a maximum over is luck.
    """
    errors = dict.fromkeys(trues[0], 0.0)
    for true, runs in zip(trues, runs_of_ways):
        for found in runs:
            for key in errors:
                if key in zero:  # measured against the gradient of its weight
                    error = np.linalg.norm(found[key]) / np.linalg.norm(true[zero[key]])
                else:
                    error = tensors.relative_error(found[key], true[key])
                errors[key] = max(errors[key], error)
    return {key: tensors.rounded_error(error) for key, error in errors.items()}


def fp32_runs(case, seed, shard):
    yield run(case, seed, shard, torch.float32)
    yield run(case, seed, shard, torch.float32, memory_format=torch.channels_last)
    with torch.backends.mkldnn.flags(enabled=False):
        yield run(case, seed, shard, torch.float32)


def bf16_runs(case, seed, shard):
    yield run(case, seed, shard, torch.float32, autocast=True)
    yield run(case, seed, shard, torch.float32, autocast=True, memory_format=torch.channels_last)


def golden(name, case, seed):
    net, classes = nets.build(case["net"], case["input"], 0)
    zero = {f"gradient:{layer}.bias": f"gradient:{layer}.weight" for layer in biases_before_norm(case["net"])}
    shards = [way["shard"] for way in case["runs"]]
    trues = [run(case, seed, shard, torch.float64) for shard in shards]
    fp32 = own_errors([fp32_runs(case, seed, shard) for shard in shards], trues, zero)
    bf16 = own_errors([bf16_runs(case, seed, shard) for shard in shards], trues, zero)
    runs = []
    for way, true in zip(case["runs"], trues):
        results = {}
        for key, tensor in true.items():
            beside = {"size": tensor.size, "zero_beside": zero[key]} if key in zero else None
            results[key] = {**(beside or tensors.sketch(tensor)), "fp32_error": fp32[key], "bf16_error": bf16[key]}
        runs.append({**way, "results": results})
    return {
        "made_by": "tools/goldens/make.py, PyTorch " + torch.__version__,
        "case": name,
        "seed": seed,
        "input": case["input"],
        "classes": classes,
        "batch": case["batch"],
        "net": case["net"],
        "initial": list(initial_rules(net)),
        "loss": case["loss"],
        "steps": case["steps"],
        **({"sgd": SGD} if case["steps"] > 1 else {}),
        "runs": runs,
    }


def write(path, record):
    """JSON with a line for each layer and each result, so that a change shows as what it is."""

    def block(brackets, items, depth):
        pad = "\n" + " " * depth
        return brackets[0] + ",".join(pad + item for item in items) + pad[:-1] + brackets[1]

    def members(value, depth):
        return block("{}", (f"{json.dumps(k)}: {text(k, v, depth + 1)}" for k, v in value.items()), depth)

    def text(key, value, depth):
        if key in ("net", "initial"):
            return block("[]", map(json.dumps, value), depth)
        if key == "runs":
            return block("[]", (members(v, depth + 1) for v in value), depth)
        if key == "results":
            return members(value, depth)
        return json.dumps(value)

    path.write_text(members(record, 1) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=GOLDENS)
    parser.add_argument("cases", metavar="CASE", nargs="*", help="all of them when none is named")
    arguments = parser.parse_args()
    philox.check_known_answers()
    torch.set_num_threads(1)  # sums in one order
    torch.use_deterministic_algorithms(True)
    arguments.out.mkdir(parents=True, exist_ok=True)
    every = dict(cases())
    for name in arguments.cases or every:
        if name not in every:
            raise SystemExit(f"no case '{name}'; there are: {', '.join(every)}")
        write(arguments.out / f"{name}.json", golden(name, every[name], seed=1))
        print(name, flush=True)


if __name__ == "__main__":
    main()
