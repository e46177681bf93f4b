#!/usr/bin/env python3
"""Fits the polynomials by which src/nn/kernels/activation.cc computes GELU and its derivative for bf16.

The normal distribution's integral and GELU's derivative are both 1/2 plus an odd function of z, here z q(s) with q a
polynomial and s = 2 (z / END)^2 - 1, which lies in [-1, 1], so that powers of s lose nothing in fp32. Coefficients, of
the highest power first, by Lawson's iteratively reweighted least squares, which tends to the least maximum of the
absolute error. Prints them, that maximum in exact arithmetic and the one in fp32. Needs NumPy.
"""
import math

import numpy as np

DEGREE, END, POINTS, ROUNDS = 10, 4.75, 3000, 600


def integral(z):
    return np.array([0.5 * math.erfc(-v / math.sqrt(2)) for v in z])


def derivative(z):
    return integral(z) + z * np.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def fit(function):
    s = np.cos(np.pi * (np.arange(POINTS) + 0.5) / POINTS)
    z = END * np.sqrt((s + 1) / 2)
    terms = np.polynomial.chebyshev.chebvander(s, DEGREE) * z[:, None]
    weights = np.full(POINTS, 1 / POINTS)
    for _ in range(ROUNDS):
        root = np.sqrt(weights)
        coefficients, *_ = np.linalg.lstsq(terms * root[:, None], (function(z) - 0.5) * root, rcond=None)
        error = np.abs(terms @ coefficients - (function(z) - 0.5))
        weights *= error
        weights /= weights.sum()
    return np.polynomial.chebyshev.cheb2poly(coefficients)[::-1].astype(np.float32), error.max()


def in_fp32(coefficients, z):
    s = z * z * np.float32(2 / END / END) - np.float32(1)
    q = np.zeros_like(s)
    for coefficient in coefficients:
        q = q * s + coefficient
    return z * q + np.float32(0.5)


for function in integral, derivative:
    coefficients, error = fit(function)
    z = np.linspace(-END, END, 200001).astype(np.float32)
    found = np.abs(in_fp32(coefficients, z) - function(z.astype(np.float64))).max()
    print(function.__name__ + ":", ", ".join(f"{c:.9g}f" for c in coefficients))
    print(f"largest absolute error {error:.2g}, in fp32 {found:.2g}")
