#!/usr/bin/python3
"""Makes the goldens of what changes weights beside the plain optimizers: tests/goldens/train/{clip,...}.json.

    tools/goldens/optimizing.py [--out DIR] [NAME...]

PyTorch's own numbers where it has the thing, else the paper's or the reference's formula written down here once more,
in double precision; beside each tensor stands how far the same computation in fp32 is from it. Weights and gradients of a
small network (tests/train/golden_net.h) come by rule (tensors.py).
"""

import argparse
import json
import math
import pathlib

import numpy as np
import torch

import tensors

GOLDENS = pathlib.Path(__file__).resolve().parents[2] / "tests" / "goldens" / "train"
SEED = 1
LAYER = 4000  # + parameter, + 100 * step for its gradients

# Parameters of golden_net, in PyTorch's order.
NET = {
    "conv1.weight": (4, 3, 3, 3),
    "conv1.bias": (4,),
    "bn1.weight": (4,),
    "bn1.bias": (4,),
    "conv2.weight": (6, 4, 3, 3),
    "conv2.bias": (6,),
    "fc1.weight": (20, 6),
    "fc1.bias": (20,),
    "fc2.weight": (5, 20),
    "fc2.bias": (5,),
}


def values(step, dtype):
    """By name: weights (step 0) or the gradients of a step."""
    return {
        name: torch.tensor(tensors.uniform(SEED, LAYER + 100 * step + i, math.prod(shape), 0, 1), dtype=dtype).reshape(shape)
        for i, (name, shape) in enumerate(NET.items())
    }


def record(compute):
    """What compute(dtype) yields by name, in fp64 and with the error of fp32."""
    true, single = compute(torch.float64), compute(torch.float32)
    result = {}
    for name, tensor in true.items():
        exact = tensor.detach().double().numpy().reshape(-1)
        found = single[name].detach().double().numpy().reshape(-1)
        error = float(np.linalg.norm(found - exact) / np.linalg.norm(exact))
        result[name] = {"values": [tensors.number(x) for x in exact], "fp32_error": tensors.rounded_error(error)}
    return result


def clip():
    def gradients(max_norm, dtype):
        parameters = {name: torch.nn.Parameter(torch.zeros_like(g)) for name, g in values(1, dtype).items()}
        for name, gradient in values(1, dtype).items():
            parameters[name].grad = gradient
        norm = torch.nn.utils.clip_grad_norm_(parameters.values(), max_norm)
        return norm.item(), {name: p.grad for name, p in parameters.items()}

    cases = []
    for max_norm in (0.5, 1e-5, 100.0):
        cases.append(
            {
                "max_norm": max_norm,
                "norm": gradients(max_norm, torch.float64)[0],
                "gradients": record(lambda dtype: gradients(max_norm, dtype)[1]),
            }
        )
    return cases


def groups():
    """PyTorch's parameter groups: learning rates and decays of their own."""
    biases = [name for name in NET if name.endswith(".bias")]
    norms = ["bn1.weight"]
    spec = "*.bias:decay=0,fc?.*:lr=0.5,fc2.*:lr=0.1,bn1.*:decay=3"

    def of(name):
        lr = 0.1 if name.startswith("fc2") else 0.5 if name.startswith("fc") else 1
        return lr, 3 if name.startswith("bn1") else 0 if name in biases else 1

    def plain(name):
        return 1, 0 if name in biases + norms else 1

    made = {
        "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
        "sgd:nesterov=true": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
        "adam": lambda p: torch.optim.Adam(p, lr=0.1),
        "adamw": lambda p: torch.optim.AdamW(p, lr=0.1),
    }
    ways = [(optimizer, spec, "all", of) for optimizer in made] + [("adamw", "none", "weights", plain)]
    steps, decay = 5, 0.02

    def weights(optimizer, factors, dtype):
        parameters = {name: torch.nn.Parameter(w) for name, w in values(0, dtype).items()}
        of_each = [
            {"params": [p], "lr": 0.1 * factors(name)[0], "weight_decay": decay * factors(name)[1]}
            for name, p in parameters.items()
        ]
        made_of_them = made[optimizer](of_each)
        for step in range(1, steps + 1):
            for name, gradient in values(step, dtype).items():
                parameters[name].grad = gradient
            made_of_them.step()
        return parameters

    return [
        {
            "optimizer": optimizer,
            "groups": spec,
            "decay": which,
            "momentum": 0.9 if optimizer.startswith("sgd") else 0.0,
            "weight_decay": decay,
            "lr": 0.1,
            "steps": steps,
            "weights": record(lambda dtype: weights(optimizer, factors, dtype)),
        }
        for optimizer, spec, which, factors in ways
    ]


def lookahead():
    """Zhang et al. 2019, algorithm 1, about PyTorch's optimizers."""
    made = {
        "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
        "adam": lambda p: torch.optim.Adam(p, lr=0.1, weight_decay=0.01),
    }
    steps = 8

    def weights(optimizer, k, alpha, dtype):
        fast = {name: torch.nn.Parameter(w) for name, w in values(0, dtype).items()}
        slow = values(0, dtype)
        inner = made[optimizer](list(fast.values()))
        for step in range(1, steps + 1):
            for name, gradient in values(step, dtype).items():
                fast[name].grad = gradient
            inner.step()
            if step % k == 0:
                for name in fast:
                    slow[name] = slow[name] + alpha * (fast[name].detach() - slow[name])
                    fast[name].data.copy_(slow[name])
        return fast

    return [
        {
            "optimizer": optimizer,
            "lookahead": spec,
            "momentum": 0.9 if optimizer == "sgd" else 0.0,
            "weight_decay": 0.01,
            "lr": 0.1,
            "steps": steps,
            "weights": record(lambda dtype: weights(optimizer, k, alpha, dtype)),
        }
        for optimizer, spec, k, alpha in (("sgd", "3", 3, 0.5), ("adam", "4:alpha=0.8", 4, 0.8))
    ]


def newton_schulz(matrix, steps, rounded):
    """The iteration of kellerjordan.github.io/posts/muon; `rounded`: in bf16, as its author runs it."""
    x = matrix.to(torch.bfloat16) if rounded else matrix.clone()
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.t()
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.t()
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return (x.t() if tall else x).to(matrix.dtype)


def muon():
    """Muon by its author's definition for conv2 and fc1, PyTorch's SGD for the rest."""
    matrices = ["conv2.weight", "fc1.weight"]
    steps, lr, decay, momentum = 4, 0.05, 0.02, 0.9

    def weights(options, dtype, rounded=False):
        parameters = {name: torch.nn.Parameter(w) for name, w in values(0, dtype).items()}
        others = [p for name, p in parameters.items() if name not in matrices]
        nesterov, beta = options.get("nesterov", True), options.get("momentum", 0.95)
        rate = lr * options.get("sgd_lr", 1)
        sgd = torch.optim.SGD(others, lr=rate, momentum=momentum, weight_decay=decay, nesterov=nesterov)
        means = {name: torch.zeros(NET[name], dtype=dtype) for name in matrices}
        for step in range(1, steps + 1):
            gradients = values(step, dtype)
            for name, gradient in gradients.items():
                parameters[name].grad = gradient
            sgd.step()
            for name in matrices:
                w, g, m = parameters[name].data, gradients[name], means[name]
                m.mul_(beta).add_((1 - beta) * g)
                u = beta * m + (1 - beta) * g if nesterov else m
                u = newton_schulz(u.reshape(len(u), -1), options.get("ns_steps", 5), rounded).reshape(u.shape)
                if w.dim() == 2:
                    u = u * max(1, w.shape[0] / w.shape[1]) ** 0.5
                if options.get("normalize", False):  # airbench94_muon.py
                    w.mul_(len(w) ** 0.5 / w.norm())
                w.mul_(1 - lr * decay)
                w.sub_(lr * u)
        return parameters

    cases = []
    for options in (
        {},
        {"nesterov": False, "ns_steps": 3, "sgd_lr": 0.2},
        {"momentum": 0.6, "ns_steps": 3, "normalize": True},
    ):
        spec = ",".join(f"{k}={str(v).lower()}" for k, v in options.items())
        golden = record(lambda dtype: weights(options, dtype))
        true, rounded = weights(options, torch.float64), weights(options, torch.float32, rounded=True)
        for name in matrices:
            exact, found = true[name].detach(), rounded[name].detach().double()
            golden[name]["bf16_error"] = tensors.rounded_error(((found - exact).norm() / exact.norm()).item())
        cases.append(
            {
                "optimizer": "muon" + (":" + spec if spec else ""),
                "momentum": momentum,
                "weight_decay": decay,
                "lr": lr,
                "steps": steps,
                "weights": golden,
            }
        )
    return cases


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4)
        self.conv2 = torch.nn.Conv2d(4, 6, 3)
        self.fc1, self.fc2 = torch.nn.Linear(6, 20), torch.nn.Linear(20, 5)


def ema():
    """AveragedModel with a decay that rises; a step's weights are what values() has as its gradients."""
    steps = 6

    def averaged(decay, dtype):
        def average(old, new, n):
            d = min(decay, (1 + n.item()) / (10 + n.item()))
            return d * old + (1 - d) * new

        net = Net().to(dtype)
        assert [(name, tuple(p.shape)) for name, p in net.named_parameters()] == list(NET.items())
        model = torch.optim.swa_utils.AveragedModel(net, avg_fn=average, use_buffers=True)
        buffers = {name: b for name, b in net.named_buffers() if "running" in name}
        for step in range(1, steps + 1):
            for name, value in values(step, dtype).items():
                net.get_parameter(name).data.copy_(value)
            for i, buffer in enumerate(buffers.values()):
                value = tensors.uniform(SEED, LAYER + 100 * step + 50 + i, buffer.numel(), 0, 1)
                buffer.copy_(torch.tensor(value, dtype=dtype))
            model.update_parameters(net)
        return dict(model.module.named_parameters()) | {name: model.module.get_buffer(name) for name in buffers}

    return [
        {"decay": decay, "steps": steps, "values": record(lambda dtype: averaged(decay, dtype))}
        for decay in (0.3, 0.99)
    ]


MAKERS = {"clip": clip, "groups": groups, "lookahead": lookahead, "muon": muon, "ema": ema}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=GOLDENS)
    parser.add_argument("names", metavar="NAME", nargs="*", help="all of them when none is named")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.names or MAKERS:
        golden = {"made_by": "tools/goldens/optimizing.py, PyTorch " + torch.__version__, "cases": MAKERS[name]()}
        # A line for each tensor, so that a change shows as what it is.
        text = json.dumps(golden).replace('{"values"', '\n  {"values"').replace("}, {", "},\n {")
        (arguments.out / f"{name}.json").write_text(text + "\n")
        print(name, flush=True)


if __name__ == "__main__":
    main()
