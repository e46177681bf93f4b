#!/usr/bin/env python3
"""Pictures of noise and of steps, resized by Pillow (Debian's python3-pil), for tests/data/resize_test.cc.

    tools/goldens/make_resize.py [FILE]      default: tests/goldens/data/resize.json

Pixel i of a picture is the upper byte of word i of the Philox stream (seed, test); `steps` keeps only its top bit, so that
values of 0 and 255 put rounding and clipping to the test.
"""

import json
import pathlib
import sys

import numpy as np
import PIL
from PIL import Image

from philox import words

ROOT = pathlib.Path(__file__).resolve().parents[2]

# height, width, channels, new height, new width
SIZES = [(50, 37, 3, 32, 32), (7, 5, 1, 32, 16), (1, 1, 3, 4, 4), (64, 3, 1, 3, 64), (33, 32, 3, 32, 31),
         (256, 256, 3, 32, 32), (256, 256, 3, 17, 23), (480, 640, 3, 24, 32), (28, 28, 1, 32, 32), (32, 32, 3, 20, 20),
         (1000, 2, 1, 7, 2), (2, 1500, 3, 2, 9), (9, 9, 3, 9, 4), (9, 9, 3, 4, 9), (31, 63, 1, 32, 64)]


def picture(seed, height, width, channels, steps):
    pixels = (words(seed, 0, height * width * channels) >> np.uint32(24)).astype(np.uint8)
    if steps:
        pixels = np.where(pixels > 127, 255, 0).astype(np.uint8)
    return pixels.reshape(height, width, channels)


def main():
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "tests/goldens/data/resize.json"
    cases = []
    for seed, (height, width, channels, new_height, new_width) in enumerate(SIZES):
        for steps in (False, True):
            pixels = picture(seed, height, width, channels, steps)
            image = Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels)
            resized = np.asarray(image.resize((new_width, new_height), Image.BILINEAR))
            cases.append({"seed": seed, "steps": steps, "from": [height, width, channels],
                          "to": [new_height, new_width], "pixels": resized.tobytes().hex()})
    header = json.dumps({"made_by": f"tools/goldens/make_resize.py, Pillow {PIL.__version__}"})
    lines = ",\n".join(json.dumps(case) for case in cases)
    out.write_text(header[:-1] + ', "cases": [\n' + lines + "\n]}\n")


if __name__ == "__main__":
    main()
