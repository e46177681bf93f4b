#!/usr/bin/python3
"""Makes tests/goldens/train/{finetune,logit_losses}.json from PyTorch in double precision.

    tools/goldens/transfer.py [--out DIR]

finetune: torchvision's resnet18 with all but some parameters frozen, ten steps of SGD on two batches; batch-norms of
frozen layers in evaluation mode (fixed), or as requires_grad alone leaves them (train). logit_losses: the focal loss
and two of distillation with their gradients, by the papers' formulas and torch's automatic differentiation.
tests/train/finetune_test.cc and logit_losses_test.cc read them.
"""

import argparse
import fnmatch
import json
import math
import pathlib

import numpy as np
import torch
import torchvision
from torch.nn import functional

import tensors

GOLDENS = pathlib.Path(__file__).resolve().parents[2] / "tests" / "goldens" / "train"

SEED, CLASSES, SIZE, BATCH, STEPS = 1, 10, 64, 8, 10
RATE, MOMENTUM, DECAY = 0.02, 0.9, 5e-4

# What stays trainable, and what becomes of frozen batch-norms.
CASES = {
    "fc, fixed": ("*,!fc.*", "fixed"),
    "fc, train": ("*,!fc.*", "train"),
    "layer4 and fc, fixed": ("*,!layer4.*,!fc.*", "fixed"),
    "layer4 and fc, train": ("*,!layer4.*,!fc.*", "train"),
    "biases, fixed": ("*.bias,bn1.weight", "fixed"),
}


def frozen(name, rules):
    state = False
    for rule in rules.split(","):
        if fnmatch.fnmatchcase(name, rule.lstrip("!")):
            state = not rule.startswith("!")
    return state


def rule_of(net, name, parameter):
    """Offset and bound of a parameter's numbers."""
    if isinstance(net.get_submodule(name.rpartition(".")[0]), torch.nn.BatchNorm2d):
        last = name.rpartition(".")[0].endswith("bn2")  # a branch at full strength magnifies every rounding
        return (0.25 if last else 1.0, 0.125) if name.endswith("weight") else (0.0, 0.125)
    if name.endswith("bias"):
        return 0.0, 0.125
    return 0.0, float(np.float32(math.sqrt(6 / parameter[0].numel())))


def run(rules, batch_norm, dtype):
    net = torchvision.models.resnet18(num_classes=CLASSES)
    for index, (name, parameter) in enumerate(net.named_parameters()):
        offset, bound = rule_of(net, name, parameter)
        values = tensors.uniform(SEED, index, parameter.numel(), offset, bound).reshape(parameter.shape)
        parameter.data = torch.from_numpy(values)
        parameter.requires_grad = not frozen(name, rules)
    for index, (name, buffer) in enumerate((n, b) for n, b in net.named_buffers() if not n.endswith("tracked")):
        offset, bound = (0.0, 0.25) if name.endswith("mean") else (1.0, 0.5)
        buffer.copy_(torch.from_numpy(tensors.uniform(SEED, 500 + index, buffer.numel(), offset, bound)))
    net.to(dtype).train()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d) and batch_norm == "fixed":
            if not any(p.requires_grad for p in module.parameters()):
                module.eval()
    optimizer = torch.optim.SGD(
        [p for p in net.parameters() if p.requires_grad], lr=RATE, momentum=MOMENTUM, weight_decay=DECAY
    )
    batches = []
    for number in range(2):
        images = tensors.uniform(SEED, tensors.LAYER_IMAGES + number, BATCH * SIZE * SIZE * 3, 0.0, 1.0)
        images = images.reshape(BATCH, SIZE, SIZE, 3).transpose(0, 3, 1, 2)
        labels = tensors.labels(SEED, tensors.LAYER_TARGETS + number, BATCH, CLASSES)
        batches.append((torch.from_numpy(images.copy()).to(dtype), torch.from_numpy(labels)))
    losses = []
    for step in range(STEPS):
        images, labels = batches[step % 2]
        optimizer.zero_grad()
        loss = functional.cross_entropy(net(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    net.eval()
    with torch.no_grad():
        results = {"losses": np.array(losses), "logits": net(batches[0][0]).double().numpy()}
    for name in ("conv1.weight", "bn1.bias", "layer4.1.conv2.weight", "layer4.1.bn2.weight", "fc.weight", "fc.bias"):
        results[name] = net.get_parameter(name).detach().double().numpy()
    for name in ("bn1.running_mean", "bn1.running_var", "layer4.1.bn2.running_mean", "layer4.1.bn2.running_var"):
        results[name] = net.get_buffer(name).double().numpy()
    return results


def finetune():
    cases = []
    for name, (rules, batch_norm) in CASES.items():
        true, single = (run(rules, batch_norm, dtype) for dtype in (torch.float64, torch.float32))
        results = {}
        for key, value in true.items():
            error = np.linalg.norm(single[key] - value) / np.linalg.norm(value)
            # Thirty numbers of a large tensor will do: every layer has its part in the logits.
            flat = value.reshape(-1)
            kept = flat if flat.size <= 96 else flat[:: flat.size // 30]
            results[key] = {"fp32_error": tensors.rounded_error(error), "values": [tensors.number(x) for x in kept]}
        cases.append({"name": name, "freeze": rules, "freeze_bn": batch_norm, "results": results})
    return {"classes": CLASSES, "size": SIZE, "batch": BATCH, "steps": STEPS, "cases": cases}


def focal(z, target, gamma, weights):
    p = torch.softmax(z, 1)
    return -(weights * target * (1 - p) ** gamma * torch.log(p)).sum(1)


def kd(z, v, temperature):
    p, q = torch.softmax(v / temperature, 1), torch.softmax(z / temperature, 1)
    return temperature**2 * (p * (p.log() - q.log())).sum(1)


def dkd(z, v, labels, temperature, alpha, beta):
    p, q = torch.softmax(v / temperature, 1), torch.softmax(z / temperature, 1)
    own = functional.one_hot(labels, z.shape[1]).bool()
    b_p, b_q = (torch.stack([x[own], 1 - x[own]], 1) for x in (p, q))
    target = (b_p * (b_p.log() - b_q.log())).sum(1)
    rest = [torch.softmax(x[~own].reshape(len(x), -1) / temperature, 1) for x in (v, z)]
    others = (rest[0] * (rest[0].log() - rest[1].log())).sum(1)
    return temperature**2 * (alpha * target + beta * others)


def logit_losses():
    rows, classes = 6, 11
    logits = torch.from_numpy(tensors.uniform(SEED, 1, rows * classes, 0, 6).reshape(rows, classes)).double()
    teacher = torch.from_numpy(tensors.uniform(SEED, 5, rows * classes, 0, 6).reshape(rows, classes)).double()
    labels = torch.from_numpy(tensors.labels(SEED, 2, rows, classes))
    hard = functional.one_hot(labels, classes).double()
    soft = torch.softmax(teacher, 1).float().double()
    weights = torch.arange(1, classes + 1).double() / 4
    ones = torch.ones(classes).double()
    losses = {
        "focal:gamma=2": (lambda z: focal(z, hard, 2, ones), False),
        "focal:gamma=0": (lambda z: focal(z, hard, 0, ones), False),
        "focal:gamma=0.5": (lambda z: focal(z, hard, 0.5, ones), False),
        "focal:gamma=2,weights=" + "|".join(str(float(w)) for w in weights): (lambda z: focal(z, hard, 2, weights), False),
        "focal:gamma=3": (lambda z: focal(z, soft, 3, ones), True),
        "kd:T=1": (lambda z: kd(z, teacher, 1), False),
        "kd:T=4": (lambda z: kd(z, teacher, 4), False),
        "dkd:T=4": (lambda z: dkd(z, teacher, labels, 4, 1, 8), False),
        "dkd:T=2,alpha=0.5,beta=0": (lambda z: dkd(z, teacher, labels, 2, 0.5, 0), False),
    }
    cases = []
    for spec, (loss, is_soft) in losses.items():
        z = logits.clone().requires_grad_()
        total = loss(z).sum()
        total.backward()
        cases.append(
            {
                "spec": spec,
                "soft": is_soft,
                "loss": tensors.number(total.item(), 16),
                "gradient": [tensors.number(x) for x in z.grad.reshape(-1).tolist()],
            }
        )
    return {"rows": rows, "classes": classes, "cases": cases}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=GOLDENS)
    out = parser.parse_args().out
    torch.set_num_threads(1)
    for make in logit_losses, finetune:
        golden = {"torch": torch.__version__, **make()}
        (out / f"{make.__name__}.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
