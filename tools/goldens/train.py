#!/usr/bin/python3
"""Makes tests/goldens/train/*.json from PyTorch: what losses, optimizers and schedules must compute.

    tools/goldens/train.py [--out DIR]

Inputs come by rule (tensors.py), results from double precision; an optimizer's golden also says how far PyTorch's own
fp32 is from it. Debian's python3-torch 1.13.1 gives the committed files. tests/train/golden_test.cc reads them.
"""

import argparse
import json
import pathlib

import numpy as np
import torch

import philox
import tensors

GOLDENS = pathlib.Path(__file__).resolve().parents[2] / "tests" / "goldens" / "train"

SEED = 1
LAYER_LOGITS, LAYER_LABELS, LAYER_OTHER_LABELS, LAYER_MIX = 1, 2, 3, 4
LAYER_WEIGHTS, LAYER_GRADIENTS = 10, 20  # gradients: + step

ROWS, CLASSES = 6, 11
WEIGHTS, STEPS, KEPT_STEPS = 23, 15, (1, 2, 15)

OPTIMIZERS = {
    "sgd": ("sgd", 0.0, 0.0, lambda p: torch.optim.SGD(p, lr=0.1)),
    "sgd_decay": ("sgd", 0.0, 0.01, lambda p: torch.optim.SGD(p, lr=0.1, weight_decay=0.01)),
    "sgd_momentum": (
        "sgd",
        0.9,
        0.01,
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
    ),
    "sgd_nesterov": (
        "sgd:nesterov=true",
        0.9,
        0.01,
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True),
    ),
    "adam": ("adam", 0.0, 0.0, lambda p: torch.optim.Adam(p, lr=0.1)),
    "adam_decay": (
        "adam:beta1=0.8,beta2=0.99,eps=1e-3",
        0.0,
        0.01,
        lambda p: torch.optim.Adam(p, lr=0.1, betas=(0.8, 0.99), eps=1e-3, weight_decay=0.01),
    ),
    "adamw": ("adamw", 0.0, 0.01, lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.01)),
}

SCHEDULES = {
    "constant": lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda epoch: 1.0),
    "step:size=5,gamma=0.2": lambda o: torch.optim.lr_scheduler.StepLR(o, 5, 0.2),
    "multistep:at=3|7|20,gamma=0.3": lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [3, 7, 20], 0.3),
    "exponential:gamma=0.9": lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.9),
}


def losses():
    """Means and gradients of torch.nn.functional.cross_entropy."""
    logits = tensors.uniform(SEED, LAYER_LOGITS, ROWS * CLASSES, 0, 6).reshape(ROWS, CLASSES).astype(np.float64)
    labels = torch.from_numpy(tensors.labels(SEED, LAYER_LABELS, ROWS, CLASSES))
    others = torch.from_numpy(tensors.labels(SEED, LAYER_OTHER_LABELS, ROWS, CLASSES))
    mix = torch.from_numpy(philox.uniform01(philox.words(SEED, LAYER_MIX, ROWS)).astype(np.float64))[:, None]
    one_hot = torch.nn.functional.one_hot
    soft = mix * one_hot(labels, CLASSES) + (1 - mix) * one_hot(others, CLASSES)
    cases = []
    weights = torch.from_numpy(0.25 + np.arange(CLASSES) / 4)
    for smoothing, weight in ((0.0, None), (0.1, None), (0.0, weights), (0.1, weights)):
        for name, target in ("hard", labels), ("soft", soft):
            x = torch.tensor(logits, requires_grad=True)
            loss = torch.nn.functional.cross_entropy(x, target, weight=weight, label_smoothing=smoothing)
            loss.backward()
            cases.append(
                {
                    "targets": name,
                    "smoothing": smoothing,
                    "weights": [] if weight is None else weight.tolist(),
                    "loss": loss.item(),
                    "gradient": x.grad.reshape(-1).tolist(),
                }
            )
    return {"rows": ROWS, "classes": CLASSES, "cases": cases}


def run_optimizer(make, dtype):
    weights = torch.tensor(tensors.uniform(SEED, LAYER_WEIGHTS, WEIGHTS, 0, 1), dtype=dtype, requires_grad=True)
    optimizer = make([weights])
    after = {}
    for step in range(1, STEPS + 1):
        gradient = tensors.uniform(SEED, LAYER_GRADIENTS + step, WEIGHTS, 0, 1)
        weights.grad = torch.tensor(gradient, dtype=dtype)
        optimizer.step()
        if step in KEPT_STEPS:
            after[step] = weights.detach().double().numpy().copy()
    return after


def optimizers():
    cases = []
    for name, (spec, momentum, decay, make) in OPTIMIZERS.items():
        true, single = run_optimizer(make, torch.float64), run_optimizer(make, torch.float32)
        cases.append(
            {
                "name": name,
                "spec": spec,
                "momentum": momentum,
                "weight_decay": decay,
                "lr": 0.1,
                "after": [
                    {
                        "step": step,
                        "weights": true[step].tolist(),
                        "fp32_error": tensors.rounded_error(tensors.relative_error(single[step], true[step])),
                    }
                    for step in KEPT_STEPS
                ],
            }
        )
    return {"weights": WEIGHTS, "cases": cases}


def one_cycle():
    """OneCycleLR so finely cut that its first and last step are no longer seen."""
    steps = 100_000
    made = {"onecycle": {}, "onecycle:warmup=0.1,div=10,final=100": {"pct_start": 0.1, "div_factor": 10, "final_div_factor": 100}}
    for spec, options in made.items():
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=steps, cycle_momentum=False, **options)
        rates = []
        for step in range(steps):
            if step % (steps // 20) == 0:
                rates.append([step / steps, schedule.get_last_lr()[0]])
            if step < steps - 1:
                optimizer.step()
                schedule.step()
        yield {"spec": spec, "rates": rates}


def schedules():
    cases = []
    for spec, make in SCHEDULES.items():
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
        schedule = make(optimizer)
        rates = []
        for _ in range(40):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
        cases.append({"spec": spec, "lr": 0.1, "rates": rates})
    return {"cases": cases, "by_progress": list(one_cycle())}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=GOLDENS)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for make in losses, optimizers, schedules:
        golden = {"torch": torch.__version__, **make()}
        (out / f"{make.__name__}.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
