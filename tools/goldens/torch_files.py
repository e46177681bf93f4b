#!/usr/bin/python3
"""Makes tests/goldens/interop/: files as torch.save writes them, and expected.json, what must be read from each, by which
tests/interop/torch_file_test.cc judges the reader.

    torch_files.py                 with PyTorch 1.13: everything but the below
    torch_files.py torch26         with PyTorch 2.6 and safetensors: what only newer ones write, and a file by Python's
                                   safetensors; adds to expected.json

Storage keys of the older layout are addresses, so those files differ from run to run.
"""

import collections
import json
import pathlib
import sys

import torch

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "goldens" / "interop"
WORDS = {torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
         torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL"}


def numbers(*shape, dtype=torch.float32, start=-3):
    """Thirds, which round differently in every type."""
    count = 1
    for extent in shape:
        count *= extent
    values = (torch.arange(count, dtype=torch.float64) + start) / (3 if dtype.is_floating_point else 1)
    return values.to(dtype).reshape(shape)


def of_every_type():
    return {str(dtype).split(".")[1]: numbers(2, 3, dtype=dtype, start=0 if dtype == torch.uint8 else -3)
            for dtype in WORDS}


def small():
    return collections.OrderedDict([("conv.weight", numbers(2, 1, 2, 2)), ("conv.bias", numbers(2)),
                                    ("bn.num_batches_tracked", torch.tensor(7))])


def views():
    base = numbers(4, 6)
    return {"whole": base, "row": base[2], "rows": base[1:3], "column": base[:, 1], "transposed": base.t(),
            "every_second": base[::2, 1::2], "expanded": base[0, :3].expand(2, 3), "last": base[3, 5],
            "channels_last": numbers(1, 3, 2, 2).contiguous(memory_format=torch.channels_last),
            "tied": base, "empty": base[:0], "of_ones": numbers(1, 4, 1).transpose(0, 2)}


def trained():
    """A checkpoint after a step, with what people put beside the weights."""
    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3, bias=False), torch.nn.BatchNorm2d(2), torch.nn.Flatten(),
                                torch.nn.Linear(2, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[2, 4, 4])
    model(torch.ones(2, 1, 3, 3)).sum().backward()
    optimizer.step()
    schedule.step()
    return {"epoch": 3, "arch": "tiny", "best": 91.75, "model_state_dict": model.state_dict(),
            "optimizer_state_dict": optimizer.state_dict(), "schedule": schedule.state_dict(),
            "odd": [None, True, {1, 2}, frozenset([3]), (4, -5, 70000, 2**40, 2**80), b"bytes", torch.Size([1, 2]),
                    torch.float16, torch.device("cpu"), {"deep": {"er": []}}]}


def prefixed(prefix, tensors):
    return collections.OrderedDict((prefix + name, tensor) for name, tensor in tensors.items())


EXPECTED = {}


def expect(name, format, tensors, metadata):
    EXPECTED[name] = {
        "format": format,
        "metadata": metadata or {},
        "tensors": [{"name": key, "dtype": WORDS[tensor.dtype], "shape": list(tensor.shape),
                     "values": tensor.detach().double().flatten().tolist()} for key, tensor in tensors.items()]}


def save(name, saved, tensors, metadata=None, **how):
    torch.save(saved, OUT / name, **how)
    new = how.get("_use_new_zipfile_serialization", True)
    expect(name, "PyTorch" if new else "PyTorch (before 1.6)", tensors, metadata)


def save_both(name, saved, tensors, metadata=None, **how):
    save(name + ".pt", saved, tensors, metadata, **how)
    save(name + ".old.pt", saved, tensors, metadata, _use_new_zipfile_serialization=False, **how)


def make_all():
    save_both("types", of_every_type(), of_every_type())
    for protocol in 2, 3, 4, 5:
        nested = {"epoch": protocol, "state_dict": prefixed("module.", small())}
        save_both(f"protocol{protocol}", nested, small(),
                  {"epoch": str(protocol), "torch.state_dict": "state_dict", "torch.prefix": "module."},
                  pickle_protocol=protocol)
    save_both("views", views(), views())
    checkpoint = trained()
    save_both("trained", checkpoint, checkpoint["model_state_dict"],
              {"epoch": "3", "arch": "tiny", "best": "91.75", "torch.state_dict": "model_state_dict"})
    parameters = {"a": torch.nn.Parameter(numbers(2, 2)), "b": torch.nn.Parameter(numbers(3), requires_grad=False)}
    save_both("parameters", parameters, parameters)
    averaged = {name: tensor + 1 for name, tensor in small().items()}
    save("model-and-ema.pt", {"ema": averaged, "model": small()}, small(), {"torch.state_dict": "model"})
    save("ema.pt", {"ema": {"module": averaged}}, averaged, {"torch.state_dict": "ema.module"})
    save("compiled.pt", prefixed("module._orig_mod.", small()), small(), {"torch.prefix": "module._orig_mod."})
    save("unusual.pt", {"generator": small(), "step": 5}, small(), {"step": "5", "torch.state_dict": "generator"})


def make_safetensors():
    """By Python's safetensors, which sorts tensors by type."""
    import safetensors.torch
    types, metadata = of_every_type(), {"epoch": "3", "quote": "\"\u00e9"}
    path = OUT / "python.safetensors"
    safetensors.torch.save_file(types, path, metadata)
    data = path.read_bytes()
    header = json.loads(data[8:8 + int.from_bytes(data[:8], "little")])
    names = sorted(types, key=lambda name: header[name]["data_offsets"])
    expect(path.name, "safetensors", {name: types[name] for name in names}, metadata)


def make_torch26():
    save("torch26.pt", small(), small())
    WORDS.update({torch.uint16: "U16", torch.uint32: "U32", torch.uint64: "U64"})
    newer = {"u16": numbers(3, dtype=torch.uint16, start=0), "u32": numbers(3, dtype=torch.uint32, start=0),
             "u64": numbers(3, dtype=torch.uint64, start=0)[1:]}
    save("torch26-types.pt", newer, newer)


def main():
    OUT.mkdir(exist_ok=True)
    path = OUT / "expected.json"
    if sys.argv[1:] == ["torch26"]:
        EXPECTED.update(json.loads(path.read_text()))
        make_safetensors()
        make_torch26()
    else:
        make_all()
    lines = (f"{json.dumps(name)}: {json.dumps(each)}" for name, each in EXPECTED.items())
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


main()
