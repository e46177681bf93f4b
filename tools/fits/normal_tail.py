#!/usr/bin/env python3
"""Fits the polynomial by which src/nn/kernels/activation.cc computes the normal distribution's tail.

For x >= 0, Phi(-x) = exp(-x^2 / 2) * Q(t) with t = 1 / (1 + p x) and Q a polynomial without constant term:
the form of Hastings, "Approximations for Digital Computers", 1955, and of Abramowitz & Stegun 26.2.17, which
stops at degree 5. Coefficients by Lawson's iteratively reweighted least squares, which tends to the least
maximum of the relative error. Prints them and that maximum, in double precision. Beyond 14.5 fp32 has no
exp(-x^2 / 2). Needs NumPy.
"""
import math

import numpy as np

DEGREE, P, END, POINTS, ROUNDS = 9, 0.26, 14.5, 2000, 400

lowest = 1 / (1 + P * END)
t = (1 + lowest) / 2 + (1 - lowest) / 2 * np.cos(np.pi * (np.arange(POINTS) + 0.5) / POINTS)
x = (1 / t - 1) / P
q = np.array([0.5 * math.erfc(v / math.sqrt(2)) * math.exp(v * v / 2) for v in x])
terms = np.stack([t ** (k + 1) for k in range(DEGREE)], axis=1) / q[:, None]
weights = np.full(POINTS, 1 / POINTS)
for _ in range(ROUNDS):
    root = np.sqrt(weights)
    coefficients, *_ = np.linalg.lstsq(terms * root[:, None], root, rcond=None)
    error = np.abs(terms @ coefficients - 1)
    weights *= error
    weights /= weights.sum()
for coefficient in coefficients:
    print(f"{coefficient:.9g}f")
print(f"largest relative error {error.max():.2g}")
