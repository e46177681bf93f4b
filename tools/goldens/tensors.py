"""What goldens share with tests/nn/golden_tensor.h: where tensors come from, and how a large one is written down.

A tensor's number i is offset + (2 u - 1) * bound with u = uniform01(word i) of (seed, test, layer), in fp32. A large
result is kept as its norm, 64 entries and 32 projections on vectors of +1 and -1, from which a test estimates
||a - b|| / ||b||: the mean square of the projections of a - b is an unbiased estimate of ||a - b||^2 that sees every
entry, and the entries say where to look.
"""

import numpy as np

import philox

# Layers of the test streams. A parameter's layer is its index in the graph.
LAYER_IMAGES = 1000  # + step
LAYER_TARGETS = 2000  # + step: labels, or the loss's weights of the logits
LAYER_ENTRIES = 3000
LAYER_SIGNS = 3001

ENTRIES = 64
PROJECTIONS = 32
WHOLE = ENTRIES + PROJECTIONS  # a tensor up to this size is kept as it is

_DIGITS = 12  # beyond any limit by far; fewer than the last ones, in which builds of a BLAS differ


def uniform(seed, layer, count, offset, bound):
    u = philox.uniform01(philox.words(seed, layer, count))
    return np.float32(offset) + (np.float32(2) * u - np.float32(1)) * np.float32(bound)


def labels(seed, layer, count, classes):
    return philox.uniform_below(philox.words(seed, layer, count), classes)


def entries(flat):
    where = philox.uniform_below(philox.words(0, LAYER_ENTRIES, ENTRIES), flat.size)
    return flat[where]


def projections(flat):
    """Projection p takes its sign of number i from bit p of word i."""
    signs = philox.words(0, LAYER_SIGNS, flat.size)
    return np.array([flat @ (1.0 - 2.0 * ((signs >> np.uint32(p)) & 1)) for p in range(PROJECTIONS)])


def relative_error(a, b):
    """||a - b|| / ||b||: the largest of what a test would estimate from a golden, and the truth."""
    a, b = a.reshape(-1), b.reshape(-1)
    norm, d = np.linalg.norm(b), a - b
    if norm == 0:
        return np.inf if d.any() else 0.0
    errors = [np.linalg.norm(d) / norm]
    if b.size > WHOLE:
        errors.append(np.sqrt(np.mean(entries(d) ** 2) * b.size) / norm)
        errors.append(np.sqrt(np.mean(projections(d) ** 2)) / norm)
    return max(errors)


def number(x, digits=_DIGITS):
    return float(f"{x:.{digits - 1}e}")


def sketch(tensor, digits=_DIGITS):
    flat = tensor.reshape(-1)
    record = {"size": flat.size, "norm": number(np.linalg.norm(flat), digits)}
    if flat.size <= WHOLE:
        record["whole"] = [number(x, digits) for x in flat]
    else:
        record["entries"] = [number(x, digits) for x in entries(flat)]
        record["projections"] = [number(x, digits) for x in projections(flat)]
    return record


def rounded_error(x):
    """An error of PyTorch's, rounded up to two digits: it is a yardstick, and differs between processors."""
    if x == 0 or np.isinf(x):
        return float(x)
    unit = 10.0 ** (np.floor(np.log10(x)) - 1)
    return float(f"{np.ceil(x / unit) * unit:.1e}")
