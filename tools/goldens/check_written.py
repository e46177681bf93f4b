#!/usr/bin/python3
"""Does PyTorch open what frugal writes? Tries tests/goldens/interop/written-*, to which tests/interop/torch_writer_test.cc
holds the writers, byte for byte. After a change of a writer, FRUGAL_KEEP_WRITTEN=FOLDER interop_test keeps the new files;
they may take the old ones' place once this script was content with them, in PyTorch 1.13 and in 2.6.

    check_written.py [FOLDER]
"""

import pathlib
import sys

import torch

GOLDENS = pathlib.Path(__file__).resolve().parents[2] / "tests" / "goldens" / "interop"


def load(path):
    return torch.load(path, weights_only=True)


def demand_equal(written, truth):
    assert list(written) == list(truth), (list(written), list(truth))
    for name, tensor in truth.items():
        assert written[name].dtype == tensor.dtype and torch.equal(written[name], tensor), name


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else GOLDENS
    types = load(GOLDENS / "types.pt")
    demand_equal(load(folder / "written-types.pt"), types)
    print(f"written-types.pt: PyTorch {torch.__version__} reads the same {len(types)} tensors")

    state = load(folder / "written-trained.pt")
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3, bias=False), torch.nn.BatchNorm2d(2), torch.nn.Flatten(),
                                torch.nn.Linear(2, 2))
    model.load_state_dict(state, strict=True)
    demand_equal(model.state_dict(), state)
    print("written-trained.pt: load_state_dict(strict=True) takes it")

    try:
        import safetensors.torch
    except ImportError:
        print("written-types.safetensors: not tried, Python's safetensors is not here")
        return
    path = folder / "written-types.safetensors"
    read = safetensors.torch.load_file(path)
    demand_equal({name: read[name] for name in types}, types)
    with safetensors.safe_open(path, "pt") as file:
        metadata = file.metadata()
    assert metadata["epoch"] == "3" and metadata["quote"] == "\"\u00e9", metadata
    print(f"written-types.safetensors: safetensors {safetensors.__version__} reads the same tensors and metadata")


main()
