#!/usr/bin/python3
"""Makes tests/goldens/graph/presets.json: what each preset's PyTorch network (models.py) has, by which
tests/graph/preset_golden_test.cc judges ours. `models.py SPEC` prints a network's tensors, to compare by eye.

Counts are of parameters, of those that learn, and of multiply-accumulates of convolutions and linear layers in a forward
pass. `tensors` is the 64-bit FNV-1a of a line a tensor, "name shape\\n" as "conv1.weight 16x3x3x3", parameters in order
and then buffers; num_batches_tracked is left out. Where torchvision has the very network, `starts` are the standard
deviations with which its weights of at least 4,096 numbers start, in order, of one draw.
"""

import json
import pathlib

import torch
import torchvision

import models

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "goldens" / "graph" / "presets.json"

# (spec, classes, pixels)
CASES = [
    ("smallnet", 100, 32),
    ("smallnet:convs=2", 100, 32),
    ("smallnet:batch-norm=off,dense-width=200", 100, 32),
    ("baseline", 100, 32),
    ("resnet20", 10, 32),
    ("resnet20:shortcut=B", 100, 32),
    ("resnet32", 100, 32),
    ("resnet44", 100, 32),
    ("resnet56", 100, 32),
    ("resnet56:shortcut=B", 100, 32),
    ("resnet110", 100, 32),
    ("se-resnet56", 100, 32),
    ("resnet164", 10, 32),
    ("resnet18", 1000, 224),
    ("resnet18", 100, 32),
    ("resnet18:stem=cifar", 100, 32),
    ("resnet34", 1000, 224),
    ("resnet50", 1000, 224),
    ("resnet50:stem=cifar", 100, 32),
    ("wrn-16-1", 10, 32),
    ("wrn-16-2", 100, 32),
    ("wrn-28-10", 100, 32),
    ("densenet-bc-40-12", 10, 32),
    ("densenet-bc-100-12", 100, 32),
    ("vgg11", 10, 32),
    ("vgg16", 100, 32),
    ("squeezenet1_1", 1000, 224),
    ("squeezenet1_1", 100, 32),
    ("mobilenetv2", 1000, 224),
    ("mobilenetv2:stem=cifar", 100, 32),
    ("mobilenetv2:width=0.35", 1000, 224),
    ("mobilenetv2:width=0.5", 1000, 224),
    ("mobilenetv2:width=1.4", 1000, 224),
    ("convmixer-256-8", 10, 32),
    ("convmixer-64-4:kernel=7,patch=4", 100, 32),
    ("nin", 10, 32),
    ("airbench94", 10, 32),
    ("airbench96", 100, 32),
    ("smallnet:width=0.5", 10, 32),
    ("resnet20:width=1.3", 10, 32),
    ("resnet164:width=0.75", 10, 32),
    ("resnet18:stem=cifar,width=0.3", 10, 32),
    ("wrn-16-1:width=1.2", 10, 32),
    ("densenet-bc-22-12:width=1.5", 10, 32),
    ("squeezenet1_1:width=0.6", 10, 64),
    ("convmixer-256-8:width=0.5", 10, 32),
    ("airbench94:width=0.7", 10, 32),
]

TORCHVISION = ("resnet18", "resnet34", "resnet50", "squeezenet1_1", "mobilenetv2")


def lines(net):
    tensors = [*net.named_parameters(), *((n, b) for n, b in net.named_buffers() if b.dtype.is_floating_point)]
    return [f"{name} {'x'.join(map(str, tensor.shape))}" for name, tensor in tensors]


def fnv1a(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


def macs(net, pixels):
    """Of one image, measured from what goes in and out of the modules."""
    count = 0

    def hook(module, _, output):
        nonlocal count
        inputs = module.weight[0].numel()  # of one output: channels of its group times the kernel's positions
        count += output.numel() * inputs

    for module in net.modules():
        if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            module.register_forward_hook(hook)
    with torch.no_grad():
        net.eval()(torch.zeros(1, 3, pixels, pixels))
    return count


def starts(spec, classes):
    name = {"mobilenetv2": "mobilenet_v2"}.get(spec, spec)
    torch.manual_seed(1)
    weights = getattr(torchvision.models, name)(num_classes=classes).parameters()
    return [float(f"{p.std().item():.3g}") for p in weights if p.numel() >= 4096]


def describe(spec, classes, pixels):
    net = models.build(spec, (pixels, pixels, 3), classes)
    return {
        "spec": spec,
        "classes": classes,
        "pixels": pixels,
        "parameters": sum(p.numel() for p in net.parameters()),
        "trainable": sum(p.numel() for p in net.parameters() if p.requires_grad),
        "macs": macs(net, pixels),
        "tensors": fnv1a("".join(f"{line}\n" for line in lines(net))),
        **({"starts": starts(spec, classes)} if spec in TORCHVISION else {}),
    }


def main():
    made_by = f"tools/goldens/state_dicts.py, PyTorch {torch.__version__}"
    cases = ",\n".join("  " + json.dumps(describe(*case)) for case in CASES)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(f'{{\n "made_by": "{made_by}",\n "cases": [\n{cases}\n ]\n}}\n')


if __name__ == "__main__":
    main()
