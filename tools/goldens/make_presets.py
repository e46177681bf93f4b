#!/usr/bin/python3
"""Makes tests/goldens/models/*.json from PyTorch in double precision: what every preset of src/graph computes.

    tools/goldens/make_presets.py [--out DIR] [CASE...]

A case is a preset (models.py) without dropout: three training steps of a small batch, with the batch's statistics and
with those of its halves, and PyTorch's own errors, as in golden.py. So many tensors would fill megabytes, so a golden
keeps of each run the logits and losses; the norm of each tensor's gradient, change and running statistics; a dozen
gradients as sketches; and of each of those four families a sketch of all tensors together, in which each has the same
weight, so that a wrong one shows wherever it is. tests/nn/model_golden_test.cc reads them.
"""

import argparse
import hashlib
import math
import pathlib
import re
import time

import numpy as np
import torch
import torchvision

import golden
import models
import models_plain
import models_residual
import nets
import philox
import tensors

GOLDENS = pathlib.Path(__file__).resolve().parents[2] / "tests" / "goldens" / "models"

STEPS, CLASSES = 3, 100

# Spec, image size, batch. The deeper the network, the smaller its images and batch: then a seed can be found with which
# no ReLU is so near to zero that a rounding tips it over, and limits are tight. A stem for photographs needs 64 pixels,
# or so few numbers a channel are left that batch-norm magnifies every rounding.
CASES = {
    spec: (size, batch)
    for size, batch, specs in (
        (32, 8, ("baseline", "smallnet", "smallnet:convs=2,dense-width=200,batch-norm=false")),
        (32, 8, ("resnet20", "resnet20:shortcut=B", "resnet20:width=0.5")),
        (16, 8, ("resnet32", "resnet44", "resnet56", "se-resnet56", "wrn-16-2", "densenet-bc-40-12")),
        (16, 4, ("resnet110", "resnet164", "densenet-bc-100-12")),
        (64, 8, ("resnet18", "resnet34", "resnet50", "squeezenet1_1", "mobilenetv2")),
        (16, 8, ("resnet18:stem=cifar", "resnet50:stem=cifar,width=0.25")),
        (32, 8, ("vgg11", "vgg16", "nin", "mobilenetv2:stem=cifar", "convmixer-256-8", "airbench94", "airbench96")),
    )
    for spec in specs
}

FAMILIES = "gradient", "change", "running", "final"
KEPT, SAMPLED = 12, 1024
DIGITS = 9

# The last layer of a residual branch starts small: fifty branches at full strength magnify a rounding until PyTorch's
# own fp32 is far from its doubles.
SMALL = 0.25

# Relative movements of the weights stand for other orders of sums, so that chance has less say in what PyTorch's own
# fp32 error is: whether a ReLU tips over in one run says little of another implementation. A seed is sound when no
# movement by JITTER moves a gradient by as much as SOUND. The deepest networks have so many ReLUs that hardly any seed
# is; they take the best of some, and more and larger movements show what a ReLU that tips over does.
JITTER, JITTERS = 3e-7, 8
LARGE_JITTER, LARGE_JITTERS = 1e-6, 24
SOUND, SEEDS = 3e-5, 16
# In bf16 something always tips over; PyTorch's error is the largest over so many draws of weights and images.
DRAWS = 5


def ghost_batch_norm(net, shard):
    for module in list(net.modules()):
        for name, old in module.named_children():
            if isinstance(old, torch.nn.BatchNorm2d):
                new = nets.BatchNorm(old.num_features, shard, eps=old.eps, momentum=old.momentum)
                new.weight.requires_grad_(old.weight.requires_grad)
                setattr(module, name, new)
    return net


def branch_ends(spec, net):
    """Names of the modules that a residual branch ends with."""
    for name, module in net.named_modules():
        if isinstance(module, torchvision.models.mobilenetv2.InvertedResidual):
            if module.use_res_connect:
                yield f"{name}.conv.{len(module.conv) - 1}"
        elif isinstance(module, models_plain.Residual):
            yield f"{name}.fn.2"
        elif isinstance(module, models_residual.WideBlock):
            yield f"{name}.conv2"
        elif isinstance(module, models_residual.PreActivationBottleneck):
            yield f"{name}.conv3"
        elif isinstance(module, torchvision.models.resnet.Bottleneck):
            yield f"{name}.bn3"
        elif isinstance(module, (models_residual.BasicBlock, torchvision.models.resnet.BasicBlock)):
            yield f"{name}.bn2"


def initial_rules(spec, net):
    """Much as golden.initial_rules(), but that weights keep the size of activations (He et al. 2015)."""
    ends = set(branch_ends(spec, net))
    for name, parameter in net.named_parameters():
        module, _, kind = name.rpartition(".")
        small = SMALL if module in ends else 1.0
        if isinstance(net.get_submodule(module), golden.NORMS):
            offset, bound = (small, 0.5 * small) if kind == "weight" else (0.0, 0.5 * small)
        elif kind == "bias":
            offset, bound = 0.0, 0.125
        else:
            offset, bound = 0.0, float(np.float32(small * math.sqrt(6 / parameter[0].numel())))
        if "se-" in spec and name.endswith(("se.fc.0.weight", "bn2.bias")):
            offset = bound  # above zero, so that no hidden unit of squeeze-and-excitation is dead
        if "se-" in spec and name.endswith("se.fc.2.weight"):
            bound *= 0.5  # its sigmoid should not saturate
        yield name, offset, bound, list(parameter.shape)


def case_of(spec):
    size, batch = CASES[spec]
    shape = (size, size, 3)

    def build(shard):
        return ghost_batch_norm(models.without_dropout(models.build(spec, shape, CLASSES)), shard), CLASSES

    return {
        **{"build": build, "rules": lambda net: initial_rules(spec, net)},
        **{"input": shape, "batch": batch, "loss": "cross_entropy", "steps": STEPS},
        "runs": (golden.SYNC, golden.ghost(batch // 2)),
    }


def names_of(results, family):
    return [key for key in results if key.startswith(family + ":")]


def together(results, true, family, zero):
    """A sample of every tensor of a family, each brought to about the norm one."""
    parts = []
    for key in names_of(true, family):
        if key in zero:
            continue
        sample = results[key].reshape(-1)[:: -(-true[key].size // SAMPLED)]
        parts.append(sample * (math.sqrt(true[key].size / sample.size) / np.linalg.norm(true[key])))
    return np.concatenate(parts)


def kept_gradients(spec, true, zero):
    gradients = [key for key in names_of(true, "gradient") if key not in zero]
    return sorted(gradients, key=lambda key: hashlib.sha256((spec + key).encode()).digest())[:KEPT]


def errors_of(found, true, zero, sketched):
    """PyTorch's distance from the truth in one run, by result."""
    for key in true:
        if key in zero:
            yield key, np.linalg.norm(found[key]) / np.linalg.norm(true[zero[key]])
        elif key in sketched:
            yield key, tensors.relative_error(found[key], true[key])
        else:
            yield key, np.linalg.norm(found[key] - true[key]) / np.linalg.norm(true[key])
    for family in FAMILIES:
        if names_of(true, family):
            parts = together(found, true, family, zero), together(true, true, family, zero)
            yield family, tensors.relative_error(*parts)


def own_errors(runs, true, zero, sketched, errors):
    """Raises `errors` by name to the largest of all runs."""
    for found in runs:
        for key, error in errors_of(found, true, zero, sketched):
            errors[key] = max(errors.get(key, 0.0), error)


def fp32_runs(case, seed, shard, sound):
    yield from golden.fp32_runs(case, seed, shard)
    size, count = (JITTER, JITTERS) if sound else (LARGE_JITTER, LARGE_JITTERS)
    for jitter in range(count):
        yield golden.run(case, seed, shard, torch.float32, jitter=jitter, size=size)


def jump(case, seed):
    """By how much a small movement of the weights moves a gradient at most, relative to it, in fp32.

    Of several movements, until one is too much.
    """
    largest = 0.0
    for way in case["runs"]:
        still = golden.run({**case, "steps": 1}, seed, way["shard"], torch.float32)
        gradients = names_of(still, "gradient")
        scale = max(np.linalg.norm(still[key]) for key in gradients)
        for jitter in range(4):
            moved = golden.run(
                {**case, "steps": 1}, seed, way["shard"], torch.float32, jitter=jitter, size=JITTER
            )
            for key in gradients:
                norm = np.linalg.norm(still[key])
                if norm > 1e-6 * scale:  # else it is a bias before a batch-norm
                    largest = max(largest, np.linalg.norm(moved[key] - still[key]) / norm)
            if largest > SOUND:
                return largest
    return largest


def best_seed(case):
    jumps, begin = {}, time.time()
    for seed in range(1, SEEDS + 1):
        jumps[seed] = jump(case, seed)
        if jumps[seed] < SOUND:
            break
    best = min(jumps, key=jumps.get)
    print(f"seed {best} of {len(jumps)} moves by {jumps[best]:.0e} ({time.time() - begin:.0f} s)", flush=True)
    return best, jumps[best] < SOUND


def preset_golden(spec):
    case = case_of(spec)
    seed, sound = best_seed(case)
    fp32, bf16, runs = {}, {}, []
    for number, way in enumerate(case["runs"]):
        true = golden.run(case, seed, way["shard"], torch.float64)
        zero = dict(golden.zero_gradients([true]))
        if any(not tensor.any() for key, tensor in true.items() if key not in zero):
            raise SystemExit(f"{spec}: a result is zero throughout")
        kept = kept_gradients(spec, true, zero)
        sketched = {"logits", "losses", "evaluation", *kept}
        own_errors(fp32_runs(case, seed, way["shard"], sound), true, zero, sketched, fp32)
        own_errors(golden.bf16_runs(case, seed, way["shard"]), true, zero, sketched, bf16)
        for draw in range(seed + 1000, seed + 1000 * DRAWS, 1000):
            other = golden.run(case, draw, way["shard"], torch.float64)
            own_errors(golden.bf16_runs(case, draw, way["shard"]), other, zero, sketched, bf16)
        families = [family for family in FAMILIES if names_of(true, family)]
        results = {key: {"size": true[key].size, "zero_beside": beside} for key, beside in zero.items()}
        for key in ("logits", "losses", "evaluation", *(kept if number == 0 else ())):
            results[key] = tensors.sketch(true[key], DIGITS)
        for family in families:
            results[family] = tensors.sketch(together(true, true, family, zero), DIGITS)
        norms = {
            family: [
                None if key in zero else tensors.number(np.linalg.norm(true[key]), DIGITS)
                for key in names_of(true, family)
            ]
            for family in families
        }
        runs.append((way, results, norms, true))
    fp32, bf16 = ({k: tensors.rounded_error(e) for k, e in errors.items()} for errors in (fp32, bf16))
    for _, results, _, _ in runs:
        for key, record in results.items():
            record.update(fp32_error=fp32[key], bf16_error=bf16[key])
    if not all(np.isfinite([*fp32.values(), *bf16.values()])):
        raise SystemExit(f"{spec}: an error is infinite")
    families = list(runs[0][2])
    return {
        "made_by": "tools/goldens/make_presets.py, PyTorch " + torch.__version__,
        "case": file_name(spec),
        "seed": seed,
        "model": spec,
        "input": case["input"],
        "classes": CLASSES,
        "batch": case["batch"],
        "initial": golden.rules_of(case, case["build"](0)[0]),
        "loss": case["loss"],
        "steps": STEPS,
        "sgd": golden.SGD,
        # Of each tensor, in the order of the names.
        "errors": {
            f"{family}, {name}": [errors[key] for key in names_of(runs[0][3], family)]
            for family in families
            for name, errors in (("fp32", fp32), ("bf16", bf16))
        },
        "runs": [{**way, "norms": norms, "results": results} for way, results, norms, _ in runs],
    }


def file_name(spec):
    return re.sub(r"[^A-Za-z0-9._]+", "-", spec)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=GOLDENS)
    parser.add_argument("cases", metavar="CASE", nargs="*", help="specs; all of them when none is named")
    arguments = parser.parse_args()
    philox.check_known_answers()
    golden.make_repeatable()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for spec in arguments.cases or CASES:
        if spec not in CASES:
            raise SystemExit(f"no case '{spec}'; there are: {', '.join(CASES)}")
        begin = time.time()
        record = preset_golden(spec)
        golden.write(arguments.out / f"{file_name(spec)}.json", record)
        print(spec, f"{time.time() - begin:.0f} s", flush=True)


if __name__ == "__main__":
    main()
