#!/usr/bin/python3
"""Makes tests/goldens/nn/*.json from PyTorch in double precision: operations, blocks, random graphs and SmallNet.

    tools/goldens/make.py [--out DIR] [CASE...]

Each case is a small network, inputs by rule (tensors.py), and for every way to run it the results of training steps,
each with PyTorch's own error in fp32 and under bf16 autocast, by which the tests judge ours. Debian's python3-torch
1.13.1 gives the committed files bit for bit. tests/nn/golden_test.cc reads them.
"""

import argparse
import functools
import pathlib

import block_cases
import golden
import nets
import op_cases
import philox
import random_graphs
from golden import SYNC, ghost

GOLDENS = pathlib.Path(__file__).resolve().parents[2] / "tests" / "goldens" / "nn"
RANDOM_GRAPHS = 20


def smallnet_cases():
    smallnet = {"input": (32, 32, 3), "net": nets.smallnet(), "loss": "cross_entropy", "steps": 10}
    yield "smallnet-128", {**smallnet, "batch": 128, "runs": (SYNC, ghost(32), ghost(16))}
    yield "smallnet-100", {**smallnet, "batch": 100, "runs": (SYNC, ghost(32))}


def makers():
    """name -> function that makes the golden."""
    every = {}
    for some in op_cases.cases(), block_cases.cases(), smallnet_cases():
        for name, case in some:
            if name in every:
                raise SystemExit(f"two cases '{name}'")
            every[name] = functools.partial(golden.golden, name, case)
    for i in range(RANDOM_GRAPHS):
        name = f"random-{i:02}"
        every[name] = functools.partial(random_graphs.make, name, i)
    return every


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=GOLDENS)
    parser.add_argument("cases", metavar="CASE", nargs="*", help="all of them when none is named")
    arguments = parser.parse_args()
    philox.check_known_answers()
    golden.make_repeatable()
    arguments.out.mkdir(parents=True, exist_ok=True)
    every = makers()
    for name in arguments.cases or every:
        if name not in every:
            raise SystemExit(f"no case '{name}'; there are: {', '.join(every)}")
        golden.write(arguments.out / f"{name}.json", every[name]())
        print(name, flush=True)


if __name__ == "__main__":
    main()
