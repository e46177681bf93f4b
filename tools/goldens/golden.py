"""What a golden holds, computed: training steps of a described network in double precision, and PyTorch's own errors.

A case is a dictionary: `net` (nets.py), `input` (height, width, channels), `batch`, `loss`, `steps`, and `runs`, the
ways to run it, each a batch-norm mode and a shard size. Optional: `seed`, `sound`, `draws` (see golden()); in place
of `net`, `build` makes the network for a shard size and says how many classes it has, and `rules` how it starts.
"""

import json
import math

import numpy as np
import torch

import nets
import tensors

# A small rate: ten steps at 0.05 multiply a rounding so much (a ReLU or a maximum tips over, and all that follows
# differs) that PyTorch's own fp32 ends 3 % away from its doubles, and no limit could mean anything.
SGD = {"lr": 0.002, "momentum": 0.9, "weight_decay": 5e-4}

SYNC = {"batch_norm": "sync", "shard": 0}


def ghost(shard):
    return {"batch_norm": "ghost", "shard": shard}


# What a sound case bears: weights that move by JITTER move no result by more than JUMP, the least limit for gradients.
JITTER, JITTERS, JUMP = 1e-6, 4, 1e-4
TRIES = 12

NORMS = torch.nn.BatchNorm2d, torch.nn.GroupNorm, torch.nn.InstanceNorm2d, torch.nn.LayerNorm


def initial_rules(net):
    """How each parameter starts: (name, offset, bound, shape), in PyTorch's order."""
    for name, parameter in net.named_parameters():
        module = net.get_submodule(name.rpartition(".")[0])
        if isinstance(module, torch.nn.PReLU):
            offset, bound = 0.25, 0.125
        elif isinstance(module, (*NORMS, nets.Scale)):
            offset, bound = 1.0 if name.endswith(".weight") else 0.0, 0.5
        else:
            offset, bound = 0.0, float(np.float32(1 / math.sqrt(module.weight[0].numel())))
        yield name, offset, bound, list(parameter.shape)


def zero_gradients(trues):
    """Biases without any effect, as before a batch-norm: pairs of their gradient's key and that of their weight's."""
    for key, gradient in trues[0].items():
        beside = key.replace(".bias", ".weight")
        if key.startswith("gradient:") and beside != key and beside in trues[0]:
            if np.linalg.norm(gradient) < 1e-10 * np.linalg.norm(trues[0][beside]):
                yield key, beside


def build(case, shard):
    return case["build"](shard) if "build" in case else nets.build(case["net"], case["input"], shard)


def rules_of(case, net):
    return list(case.get("rules", initial_rules)(net))


def run(case, seed, shard, dtype, autocast=False, memory_format=torch.contiguous_format, jitter=None, size=JITTER):
    """Results of one way to run a case, by name, as arrays of doubles.

    `jitter` numbers a movement of the weights by `size`, relative.
    """
    net, classes = build(case, shard)
    for layer, (name, offset, bound, shape) in enumerate(rules_of(case, net)):
        values = tensors.uniform(seed, layer, math.prod(shape), offset, bound)
        net.get_parameter(name).data = torch.from_numpy(values.reshape(shape)).to(dtype)
    net.to(dtype, memory_format=memory_format)
    if jitter is not None:
        for p in net.parameters():
            noise = torch.randn(p.shape, dtype=dtype, generator=torch.Generator().manual_seed(jitter))
            p.data.mul_(1 + size * noise)
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
            return net(x.to(torch.bfloat16) if autocast else x)

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
                if p.requires_grad:
                    keep("gradient:" + name, p.grad)
            for name, b in net.named_buffers():
                if "running" in name:
                    keep("running:" + name, b)
        if case["steps"] > 1:
            optimizer.step()
    if case["steps"] > 1:
        for name, p in net.named_parameters():
            if p.requires_grad:
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


class Unsound(Exception):
    """No seed makes the case a sound one."""


def bears_jitter(case, seed, shards, trues, zero):
    """Whether no rounding tips a ReLU or a maximum over, or grows beyond all limits: then fp32 is no matter of luck."""
    if any(not tensor.any() for true in trues for key, tensor in true.items() if key not in zero):
        return False  # all dead
    for jitter in range(JITTERS):
        for shard, true in zip(shards, trues):
            moved = run(case, seed, shard, torch.float64, jitter=jitter)
            if any(tensors.relative_error(moved[key], true[key]) > JUMP for key in true if key not in zero):
                return False
    return True


def first_seed(name, case, shards):
    """The case's seed, or the first sound one from there on; its results, zero gradients and PyTorch's fp32 errors."""
    start = case.get("seed", 1)
    for seed in range(start, start + TRIES):
        trues = [run(case, seed, shard, torch.float64) for shard in shards]
        zero = dict(zero_gradients(trues))
        if case.get("sound", False) and not bears_jitter(case, seed, shards, trues, zero):
            continue
        fp32 = own_errors([fp32_runs(case, seed, shard) for shard in shards], trues, zero)
        if not case.get("sound", False) or all(error <= JUMP for key, error in fp32.items() if key not in zero):
            return seed, trues, zero, fp32
    raise Unsound(f"{name}: no sound seed among {TRIES}")


def golden(name, case):
    """The record of a case at its `seed` (1), or with `sound` at the first seed from there on that bears jitter.

    With `draws` PyTorch's bf16 error is the largest over that many draws of weights and images: where tensors are
    small, a single ReLU that tips over shows, and whether one does in one draw says little of another implementation.
    """
    shards = [way["shard"] for way in case["runs"]]
    seed, trues, zero, fp32 = first_seed(name, case, shards)
    net, classes = build(case, 0)
    draws = [seed + 1000 * draw for draw in range(case.get("draws", 1))]
    bf16_trues = trues + [run(case, draw, shard, torch.float64) for draw in draws[1:] for shard in shards]
    bf16 = own_errors([bf16_runs(case, draw, shard) for draw in draws for shard in shards], bf16_trues, zero)
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
        "initial": rules_of(case, net),
        "loss": case["loss"],
        "steps": case["steps"],
        **({"sgd": SGD} if case["steps"] > 1 else {}),
        "runs": runs,
    }


def make_repeatable():
    torch.set_num_threads(1)  # sums in one order
    torch.use_deterministic_algorithms(True)


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
        if key in ("results", "norms", "errors"):
            return members(value, depth)
        return json.dumps(value)

    path.write_text(members(record, 1) + "\n")
