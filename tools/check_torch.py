#!/usr/bin/python3
"""What tools/check-torch needs of PyTorch: `make DIR [RESNET20]` writes weights, images and PyTorch's logits, `compare DIR`
compares."""

import pathlib
import sys

import numpy as np
import torch
import torchvision

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "goldens"))
import models

LIMIT = 1e-4
CLASSES = 100


def random_resnet18():
    torch.manual_seed(1)
    net = torchvision.models.resnet18(num_classes=CLASSES)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, std=0.1)
            torch.nn.init.normal_(module.running_mean, std=0.1)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
    return net


def published_resnet20(path):
    state = torch.load(path, map_location="cpu")["state_dict"]
    net = models.build("resnet20", (32, 32, 3), 10)
    net.load_state_dict({name.removeprefix("module."): tensor for name, tensor in state.items()}, strict=True)
    return net


def write_images(folder, pixels, labels, train):
    """CIFAR-100's layout; the first `train` are the training images. Classes are called by their numbers."""
    folder.mkdir()
    for name, part in (("train", slice(0, train)), ("test", slice(train, None))):
        records = [bytes((0, int(label))) + image.tobytes() for label, image in zip(labels[part], pixels[part])]
        (folder / f"{name}.bin").write_bytes(b"".join(records))
    (folder / "fine_label_names.txt").write_text("".join(f"{i}\n" for i in range(CLASSES)))
    (folder / "coarse_label_names.txt").write_text("".join(f"group {i}\n" for i in range(20)))


def save_logits(path, net, images):
    with torch.no_grad():
        np.save(path, net.eval()(images).numpy())


def make(work, published):
    net = random_resnet18()
    torch.save(net.state_dict(), work / "zip.pth")
    torch.save(net.state_dict(), work / "stream.pth", _use_new_zipfile_serialization=False)

    random = np.random.default_rng(1)
    pixels = random.integers(0, 256, (600, 3, 32, 32), dtype=np.uint8)
    labels = np.arange(600) % CLASSES  # every class in both parts
    train = 100
    write_images(work / "images", pixels, labels, train)
    tests = torch.from_numpy(pixels[train:]).float() / 255
    save_logits(work / "zip-expected.npy", net, tests)
    save_logits(work / "stream-expected.npy", net, tests)
    if published:
        net = published_resnet20(published)
        torch.save(net.state_dict(), work / "published.pth")
        mean, std = (torch.tensor(v).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
        ten = torch.from_numpy(labels[train:] < 10)  # its classes
        save_logits(work / "published-expected.npy", net, (tests[ten] - mean) / std)


def compare(work):
    for path in sorted(work.glob("*-expected.npy")):
        name = path.name.removesuffix("-expected.npy")
        expected, found = np.load(path), np.load(work / f"{name}.npy")
        assert found.shape == expected.shape, f"{found.shape} logits, not {expected.shape}"
        error = np.abs(found - expected).max()
        print(f"torch {torch.__version__}, {name}: logits of {len(found)} images within {error:.2g}; they are up to "
              f"{np.abs(expected).max():.2g}")
        assert error <= LIMIT
        original = torch.load(work / f"{name}.pth", weights_only=True)
        back = torch.load(work / f"{name}-back.pt", weights_only=True)
        same = [tensor for tensor in original if "num_batches_tracked" not in tensor]
        assert set(same) <= set(back), set(same) - set(back)
        assert all(torch.equal(back[tensor], original[tensor]) for tensor in same), "a tensor has changed on its way"
        print(f"torch {torch.__version__}, {name}: {len(same)} tensors are back to the bit")


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(pathlib.Path(sys.argv[2]), sys.argv[3])
    else:
        compare(pathlib.Path(sys.argv[2]))
