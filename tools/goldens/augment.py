#!/usr/bin/python3
"""What torchvision's tensor backend makes of uint8 images, for tests/data/augment_golden_test.cc.

    tools/goldens/augment.py        writes tests/goldens/data/augment.safetensors

A case is a call of torchvision.transforms.functional (or of RandAugment's and TrivialAugmentWide's _apply_op) on one of
the inputs; its numbers and what came out are kept. Inputs: a photograph of cifar100-mini beside noise, noise of an odd
size, and noise in grey. Also the magnitudes of both spaces, for images of several sizes.
"""

import json
import math
import pathlib
import struct

import numpy as np
import torch
import torchvision
import torchvision.transforms.functional as F
from PIL import Image
from torchvision.transforms import autoaugment

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "tests" / "goldens" / "data" / "augment.safetensors"

SIZES = [(32, 32), (28, 28), (17, 23), (224, 160)]
SPACES = {"randaugment": autoaugment.RandAugment, "wide": autoaugment.TrivialAugmentWide}


def inputs():
    sheet = np.asarray(Image.open(ROOT / "data" / "cifar100-mini" / "sheet-0.png").convert("RGB"))
    noise = np.random.default_rng(1)
    photo = sheet[32:64, 64:96]
    return {
        "photo": photo.copy(),
        "noise": noise.integers(0, 256, (32, 32, 3), dtype=np.uint8),
        "dull": (photo // 3 + 60).astype(np.uint8),
        "odd": noise.integers(0, 256, (17, 23, 3), dtype=np.uint8),
        "grey": noise.integers(20, 200, (28, 28, 1), dtype=np.uint8),
    }


def magnitude_table(space, size):
    """Of each op, by name, at each of 31 levels."""
    transform = SPACES[space]()
    if space == "randaugment":
        table = transform._augmentation_space(31, size)
    else:
        table = transform._augmentation_space(31)
    return {name: ([float(m) for m in magnitudes] if magnitudes.ndim else None, signed)
            for name, (magnitudes, signed) in table.items()}


def cases():
    """(input, what the C++ side needs to know, torchvision's function of the tensor)."""
    colour = ["photo", "noise", "dull", "odd", "grey"]
    for name in colour:
        for factor in (0.0, 0.37, 0.8, 1.0, 1.25, 2.6):
            for op in ("brightness", "contrast", "saturation", "sharpness"):
                function = getattr(F, "adjust_" + op)
                if name in ("dull", "odd", "grey") and factor not in (0.37, 1.25):
                    continue
                yield name, {"op": op, "amount": factor}, lambda x, f=function, a=factor: f(x, a)
        for turn in (-0.5, -0.2, -0.013, 0.0, 0.1, 0.37, 0.5):
            if name in ("dull", "odd", "grey") and turn not in (-0.2, 0.37):
                continue
            yield name, {"op": "hue", "amount": turn}, lambda x, t=turn: F.adjust_hue(x, t)
        yield name, {"op": "grey", "amount": 0}, lambda x: F.rgb_to_grayscale(x, num_output_channels=x.shape[0])
        for bits in (1, 4, 8):
            yield name, {"op": "posterize", "amount": bits}, lambda x, b=bits: F.posterize(x, b)
        for threshold in (0.0, 127.5, 255.0):
            yield name, {"op": "solarize", "amount": threshold}, lambda x, t=threshold: F.solarize(x, t)
        yield name, {"op": "autocontrast", "amount": 0}, F.autocontrast
        yield name, {"op": "equalize", "amount": 0}, F.equalize
    for name in ("photo", "odd", "grey"):
        yield name, {"op": "flip"}, F.hflip
        for mode, word in (("constant", "zero"), ("reflect", "reflect"), ("edge", "edge")):
            for padding, top, left in ((4, 0, 7), (4, 8, 3), (9, 18, 0)):
                def crop(x, mode=mode, p=padding, t=top, l=left):
                    return F.crop(F.pad(x, [p, p, p, p], padding_mode=mode), t, l, x.shape[1], x.shape[2])
                yield name, {"op": "shift", "pad": word, "down": top - padding, "right": left - padding}, crop
        for angle, translate, scale, shear in (
                (0, (0, 0), 1.0, 0), (13.7, (0, 0), 1.0, 0), (-90, (0, 0), 1.0, 0), (180, (0, 0), 1.0, 0),
                (-31, (3, -2), 1.0, 0), (7.5, (0, 4), 1.3, 10), (-12, (-5, 1), 0.71, -25), (101, (2, 2), 0.9, 33)):
            def affine(x, a=angle, t=translate, s=scale, h=shear):
                return F.affine(x, a, list(t), s, [float(h), 0.0], fill=[0.0] * x.shape[0])
            yield name, {"op": "affine", "degrees": angle, "tx": translate[0], "ty": translate[1], "scale": scale,
                         "shear": shear}, affine
    for space, levels in (("randaugment", (4, 9, 13, 30)), ("wide", (9, 17, 30))):
        for size_name in ("photo", "odd"):
            height, width = inputs()[size_name].shape[:2]
            for number, (op, (magnitudes, signed)) in enumerate(magnitude_table(space, (height, width)).items()):
                for level in levels if magnitudes else levels[:1]:
                    if size_name == "odd" and level != levels[-1] and magnitudes:
                        continue
                    for sign in (1, -1) if signed else (1,):
                        magnitude = sign * magnitudes[level] if magnitudes else 0.0

                        def apply(x, op=op, m=magnitude):
                            return autoaugment._apply_op(x, op, m, torchvision.transforms.InterpolationMode.NEAREST, None)
                        yield size_name, {"op": "space", "space": space, "number": number, "level": level,
                                          "sign": sign}, apply


def write(path, metadata, tensors):
    header, offset, data = {"__metadata__": metadata}, 0, []
    for name, array in tensors.items():
        array = np.ascontiguousarray(array)
        header[name] = {"dtype": "U8", "shape": list(array.shape), "data_offsets": [offset, offset + array.size]}
        offset += array.size
        data.append(array.tobytes())
    text = json.dumps(header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(data))


def main():
    torch.set_num_threads(1)
    images = inputs()
    tensors = {"input:" + name: image for name, image in images.items()}
    described = []
    seen = {}
    for number, (name, case, function) in enumerate(cases()):
        out = function(torch.from_numpy(images[name]).permute(2, 0, 1).contiguous())
        out = out.permute(1, 2, 0).numpy()
        key = seen.setdefault(out.tobytes(), f"output:{number}")  # what leaves an image alone is kept once
        if key == f"output:{number}":
            tensors[key] = out
        described.append({"input": name, "output": key, **case})
    magnitudes = [{"space": space, "height": h, "width": w, "ops": list(magnitude_table(space, (h, w)).values())}
                  for space in SPACES for h, w in SIZES]
    write(OUT, {"made_by": "tools/goldens/augment.py, torchvision " + torchvision.__version__,
                "cases": json.dumps(described), "magnitudes": json.dumps(magnitudes)}, tensors)
    print(f"{len(described)} cases, {OUT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
