#!/usr/bin/python3
"""What tools/check-torch needs of PyTorch: `make DIR` writes weights, images and PyTorch's logits, `compare DIR` compares."""

import pathlib
import sys

import numpy as np
import torch
import torchvision

LIMIT = 1e-4


def make(work):
    torch.manual_seed(1)
    net = torchvision.models.resnet18(num_classes=100)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, std=0.1)
            torch.nn.init.normal_(module.running_mean, std=0.1)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
    torch.save(net.state_dict(), work / "zip.pth")
    torch.save(net.state_dict(), work / "stream.pth", _use_new_zipfile_serialization=False)

    images = work / "images"
    images.mkdir()
    random = np.random.default_rng(1)
    pixels = random.integers(0, 256, (300, 3, 32, 32), dtype=np.uint8)
    labels = np.arange(300, dtype=np.uint16) % 100  # every class in both parts
    for name, part in (("train", slice(0, 100)), ("test", slice(100, 300))):
        records = [bytes((0, int(label))) + image.tobytes() for label, image in zip(labels[part], pixels[part])]
        (images / f"{name}.bin").write_bytes(b"".join(records))
    (images / "fine_label_names.txt").write_text("".join(f"class {i}\n" for i in range(100)))
    (images / "coarse_label_names.txt").write_text("".join(f"group {i}\n" for i in range(20)))
    with torch.no_grad():
        logits = net.eval()(torch.from_numpy(pixels[100:]).float() / 255)
    np.save(work / "logits.npy", logits.numpy())


def compare(work):
    expected = np.load(work / "logits.npy")
    original = torch.load(work / "zip.pth")
    for layout in ("zip", "stream"):
        found = np.load(work / f"{layout}.npy")
        assert found.shape == expected.shape, f"{found.shape} logits, not {expected.shape}"
        error = np.abs(found - expected).max()
        print(f"torch {torch.__version__}, {layout}: logits of {len(found)} images within {error:.2g}; they are up to "
              f"{np.abs(expected).max():.2g}")
        assert error <= LIMIT
        back = torch.load(work / f"{layout}-back.pt", weights_only=True)
        same = [name for name in original if "num_batches_tracked" not in name]
        assert set(same) <= set(back), set(same) - set(back)
        assert all(torch.equal(back[name], original[name]) for name in same), "a tensor has changed on its way"
        print(f"torch {torch.__version__}, {layout}: {len(same)} tensors are back to the bit")


if __name__ == "__main__":
    {"make": make, "compare": compare}[sys.argv[1]](pathlib.Path(sys.argv[2]))
