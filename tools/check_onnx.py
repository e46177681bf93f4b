#!/usr/bin/python3
"""The other side of tools/check-onnx: exported files under onnx.checker and onnxruntime.

    check_onnx.py checker FILE.onnx...            every file passes onnx.checker with shape inference
    check_onnx.py cases DIR                       NAME.onnx, NAME.folded.onnx: the logits of NAME.images are NAME.logits
    check_onnx.py run TEST.bin LOGITS.npy NAME FILE.onnx...
                                                  a line of the table: files against frugal's fp32 logits of CIFAR-100's
                                                  test.bin

Debian's packages of onnx and onnxruntime register the same operators, so that no process uses both.
"""

import json
import pathlib
import sys

import numpy as np

MOST = 1e-4  # between logits
TIED = 2e-4  # two best logits that are closer may change places


def checker(files):
    import onnx
    for file in files:
        model = onnx.load(file)
        onnx.checker.check_model(model, full_check=True)
        if model.ir_version != 8 or [s.version for s in model.opset_import] != [17]:
            sys.exit(f"{file}: IR {model.ir_version}, opset {model.opset_import}")
    print(f"onnx.checker: {len(files)} files")


def session(file):
    import onnxruntime
    return onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])


def logits(file, images):
    net = session(file)
    return np.concatenate([net.run(["logits"], {"input": images[i:i + 100]})[0] for i in range(0, len(images), 100)])


def compare(ours, theirs):
    """The largest difference, how many top-1 changed, and how many of those were no ties."""
    ranked = np.sort(ours, axis=1)
    clear = ranked[:, -1] - ranked[:, -2] > TIED
    changed = ours.argmax(1) != theirs.argmax(1)
    return np.abs(ours - theirs).max(), int(changed.sum()), int((changed & clear).sum())


def cases(folder):
    worst = {}
    for path in sorted(pathlib.Path(folder).glob("*.logits")):
        name = path.name.removesuffix(".logits")
        for kind in ("", ".folded"):
            file = path.with_name(f"{name}{kind}.onnx")
            shape = session(file).get_inputs()[0].shape
            images = np.fromfile(path.with_name(f"{name}.images"), np.float32)
            images = images.reshape(-1, shape[2], shape[3], shape[1]).transpose(0, 3, 1, 2)
            ours = np.fromfile(path, np.float32).reshape(len(images), -1)
            theirs = logits(file, np.ascontiguousarray(images))
            # Random weights: logits of any size.
            difference = np.abs(ours - theirs).max() / max(1, np.abs(ours).max())
            if not difference <= MOST:
                sys.exit(f"{file}: logits differ by {difference:.1e} of the largest")
            worst[kind] = max(worst.get(kind, (0, "")), (difference, name))
    for kind, (difference, name) in worst.items():
        print(f"random weights{', folded' if kind else ''}: {difference:.1e} at most ({name})")


def run(test_bin, npy, name, files):
    ours = np.load(npy)
    records = np.fromfile(test_bin, np.uint8).reshape(-1, 3074)[:, 2:]
    row, failed = [name, str(len(ours)), f"{np.abs(ours).max():.1f}"], False
    for file in files:
        said = session(file).get_modelmeta().custom_metadata_map
        mean, std = (np.float32(json.loads(said[key])).reshape(1, 3, 1, 1) for key in ("mean", "std"))
        assert len(json.loads(said["classes"])) == 100, said["classes"]
        pixels = records.reshape(-1, 3, 32, 32).astype(np.float32) / np.float32(255)
        if said["input"] != "pixel / 255":
            pixels = (pixels - mean) / std
        difference, changed, wrong = compare(ours, logits(file, pixels))
        row += [f"{difference:.1e}", str(changed)]
        failed |= not difference <= MOST or wrong > 0
    print("| " + " | ".join(row) + " |", flush=True)
    if failed:
        sys.exit(f"{name}: logits differ by more than {MOST}, or top-1 does where it is no tie")


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    if what == "checker":
        checker(arguments)
    elif what == "cases":
        cases(*arguments)
    elif what == "run":
        run(*arguments[:3], arguments[3:])
    else:
        sys.exit(__doc__)
