#!/usr/bin/python3
"""Goldens of evaluation: what scikit-learn and SciPy make of a network's real predictions.

    frugal eval RUN --logits logits.npy                          a run on cifar100
    tools/goldens/metrics.py logits.npy LABELS.npy COARSE.npy    writes tests/goldens/eval/metrics.json and logits.bin

Every 20th image is taken, so that the files stay small. LABELS and COARSE are the test split's. Needs python3-sklearn
(1.2.1), python3-scipy and python3-numpy.
"""

import json
import pathlib
import sys

import numpy as np
from scipy import optimize, stats
from sklearn import calibration, metrics

TARGET = pathlib.Path(__file__).resolve().parents[2] / "tests" / "goldens" / "eval"


def softmax(logits):
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def calibration_error(right, confidence, bins=15):
    accuracy, mean = calibration.calibration_curve(right, confidence, n_bins=bins)  # of the bins that hold any
    counts = np.histogram(confidence, bins=np.linspace(0, 1, bins + 1))[0]
    return float(np.sum(counts[counts > 0] / len(right) * np.abs(accuracy - mean)))


def main():
    logits, labels, coarse = (np.load(path)[::20] for path in sys.argv[1:4])
    wide = logits.astype(np.float64)
    probabilities, guess = softmax(wide), wide.argmax(axis=1)
    count, classes = logits.shape
    every = np.arange(classes)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(labels, guess, labels=every, zero_division=0)
    superclass = np.zeros(classes, dtype=int)
    superclass[labels] = coarse
    right = guess == labels
    within = superclass[guess] == superclass[labels]

    def loss_at(temperature):
        return metrics.log_loss(labels, softmax(wide / temperature), labels=every, eps=1e-300)

    temperature = optimize.minimize_scalar(lambda t: loss_at(np.exp(t)), bracket=(-1, 0, 1), options={"xtol": 1e-12})
    # A rival: the same network with noise in its logits.
    rival = (wide + np.random.default_rng(1).normal(size=wide.shape) * 2).argmax(axis=1) == labels
    first, second = int((right & ~rival).sum()), int((~right & rival).sum())
    golden = {
        "labels": labels.tolist(), "superclass_of": superclass.tolist(),
        "log_loss": loss_at(1.0),
        "top": {str(k): metrics.top_k_accuracy_score(labels, wide, k=k, labels=every) for k in (1, 3, 5)},
        "wilson": {str(k): list(map(float, stats.binomtest(
            int(round(metrics.top_k_accuracy_score(labels, wide, k=k, labels=every) * count)), count).proportion_ci(
                method="wilson"))) for k in (1, 3, 5)},
        "precision": precision.tolist(), "recall": recall.tolist(), "f1": f1.tolist(), "support": support.tolist(),
        "confusion": metrics.confusion_matrix(labels, guess, labels=every).ravel().tolist(),
        "superclass_accuracy": float(within.mean()), "errors_within": float(within[~right].mean()),
        "calibration_error": calibration_error(right, probabilities.max(axis=1)),
        "confidence": float(probabilities.max(axis=1).mean()),
        "temperature": float(np.exp(temperature.x)),
        "tempered_error": calibration_error(right, softmax(wide / np.exp(temperature.x)).max(axis=1)),
        "mcnemar": [{"first": a, "second": b, "p": float(stats.binomtest(min(a, b), a + b).pvalue)}
                    for a, b in ((first, second), (0, 3), (10, 10), (200, 251), (1, 0))],
    }
    TARGET.mkdir(parents=True, exist_ok=True)
    (TARGET / "metrics.json").write_text(json.dumps(golden) + "\n")
    logits.astype("<f4").tofile(TARGET / "logits.bin")
    print(count, "images,", golden["top"]["1"], "right")


if __name__ == "__main__":
    main()
