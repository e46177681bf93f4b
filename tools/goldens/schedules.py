#!/usr/bin/python3
"""Makes tests/goldens/train/progress_schedules.json: the factor of the learning rate, step by step, of every schedule
over progress.

    tools/goldens/schedules.py [--out DIR]

PyTorch's own (Debian's python3-torch 1.13.1) where it has the schedule; else the paper's formula, written here anew.
tests/train/schedule_test.cc reads them. Schedules by epoch, and OneCycleLR, are train.py's.
"""

import argparse
import json
import math
import pathlib

import torch
from torch.optim import lr_scheduler

GOLDENS = pathlib.Path(__file__).resolve().parents[2] / "tests" / "goldens" / "train"


def of_pytorch(steps, make):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return rates


def rex(step, steps):
    """Chen, Wolfe and Kyrillidis 2021: eta_t = eta_0 (1 - t/T) / (1/2 + 1/2 (1 - t/T))."""
    return (1 - step / steps) / (1 / 2 + 1 / 2 * (1 - step / steps))


def wsd(step, steps, decay_steps, shape, final):
    """Hu et al. 2024: constant, then f; f as Haegele et al. 2024 write it, in steps."""
    stable = steps - decay_steps
    if step < stable:
        return 1.0
    done = (step - stable) / decay_steps
    f = {
        "linear": 1 - done,
        "cosine": (1 + math.cos(math.pi * done)) / 2,
        "1-sqrt": 1 - math.sqrt(done),
    }[shape]
    return final + (1 - final) * f


def cases():
    pytorch = {
        ("linear", 40): lambda o: lr_scheduler.LinearLR(o, 1.0, 0.0, 40),
        ("linear:final=0.1", 40): lambda o: lr_scheduler.LinearLR(o, 1.0, 0.1, 40),
        ("cosine", 40): lambda o: lr_scheduler.CosineAnnealingLR(o, 40),
        ("cosine:final=0.05", 33): lambda o: lr_scheduler.CosineAnnealingLR(o, 33, 0.05),
        ("cosine:restarts=3", 40): lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 10),
        ("cosine:restarts=6", 49): lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 7),
        ("cosine:restarts=2,mult=2,final=0.01", 42): lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 6, 2, 0.01),
        ("polynomial", 40): lambda o: lr_scheduler.PolynomialLR(o, 40, 2.0),
        ("polynomial:power=1", 40): lambda o: lr_scheduler.PolynomialLR(o, 40, 1.0),
        ("polynomial:power=0.9", 40): lambda o: lr_scheduler.PolynomialLR(o, 40, 0.9),
        ("polynomial:power=3.5", 40): lambda o: lr_scheduler.PolynomialLR(o, 40, 3.5),
    }
    for (spec, steps), make in pytorch.items():
        yield {"spec": spec, "source": "torch", "rates": of_pytorch(steps, make)}
    # A run of 40 steps, of which 10 are an epoch; schedules by epoch are LambdaLRs of what StepLR gives.
    for warmup, steps, start in ("0.2", 8, 0.01), ("1.5epochs:start=0.1", 15, 0.1), ("13steps:start=0", 13, 0.0):
        ramp = lambda o: lr_scheduler.LinearLR(o, start, 1.0, steps)
        if start == 0:  # which LinearLR refuses, though its formula does not
            ramp = lambda o: lr_scheduler.LambdaLR(o, lambda step: min(step / steps, 1.0))
        for spec, make in {
            "constant": lambda o: lr_scheduler.LambdaLR(o, lambda step: 1.0),
            "step:size=1,gamma=0.5": lambda o: lr_scheduler.StepLR(o, 10, 0.5),
            "cosine": lambda o: lr_scheduler.CosineAnnealingLR(o, 40),
        }.items():
            rates = [a * b for a, b in zip(of_pytorch(40, ramp), of_pytorch(40, make))]
            yield {"spec": spec, "warmup": warmup, "source": "torch", "rates": rates}
    yield {"spec": "rex", "source": "paper", "rates": [rex(t, 40) for t in range(40)]}
    for spec, options in {
        "wsd": (8, "linear", 0),
        "wsd:decay=0.5,shape=cosine,final=0.1": (20, "cosine", 0.1),
        "wsd:decay=0.25,shape=1-sqrt": (10, "1-sqrt", 0),
    }.items():
        yield {"spec": spec, "source": "paper", "rates": [wsd(t, 40, *options) for t in range(40)]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=GOLDENS)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    lines = ",\n ".join(json.dumps(case) for case in cases())
    (out / "progress_schedules.json").write_text(f'{{"torch": "{torch.__version__}", "cases": [\n {lines}\n]}}\n')


if __name__ == "__main__":
    main()
