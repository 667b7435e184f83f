"""Softmax regression, trained through the kernel of its examples: few examples, many features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agents.offline.embedding import Matrix

STEPS = 120  # 200 change no figure of the evaluation by more than its noise
REGULAR = 0.003  # weight of the penalty, over the number of examples

Labels = NDArray[np.int64]


def softmax(scores: Matrix) -> Matrix:
    """Return each row as probabilities."""
    shifted = np.exp(scores - scores.max(axis=-1, keepdims=True))
    result: Matrix = shifted / shifted.sum(axis=-1, keepdims=True)
    return result


def fit(
    kernel: Matrix, labels: Labels, classes: int, start: Matrix | None = None, steps: int = STEPS
) -> Matrix:
    """Return each example's share in each class's weights: weights = examples.T @ shares.

    Nesterov's method on the mean log loss plus REGULAR / 2 · |weights|². Every step of a gradient descent that begins
    at zero is a combination of the examples, so n × n numbers are enough, however many features there are. Classes
    weigh the same, whatever their number of examples.

    Args:
        kernel: Products of the examples with each other.
        labels: The class of each example, from 0.
        classes: How many classes there are.
        start: Shares to begin with, such as those of nearly the same examples; few steps do then.
        steps: How many steps to take.
    """
    target = np.zeros((len(labels), classes), dtype=np.float32)
    target[np.arange(len(labels)), labels] = 1
    counts = np.maximum(target.sum(axis=0), 1)
    weight = (1 / counts[labels])[:, None].astype(np.float32) / classes
    penalty = np.float32(REGULAR / classes)
    rate = 1 / (0.5 * _largest_eigenvalue(kernel * np.sqrt(weight) * np.sqrt(weight.T)) + penalty)
    momentum = np.float32((1 - np.sqrt(rate * penalty)) / (1 + np.sqrt(rate * penalty)))
    shares = np.zeros_like(target) if start is None else start
    ahead = shares
    for _ in range(steps):
        gradient = weight * (softmax(kernel @ ahead) - target) + penalty * ahead
        moved = ahead - rate * gradient
        ahead = moved + momentum * (moved - shares)
        shares = moved
    return shares


def _largest_eigenvalue(kernel: Matrix) -> np.float32:
    vector = np.ones(len(kernel), dtype=np.float32)
    for _ in range(20):
        vector = kernel @ vector
        vector /= np.linalg.norm(vector) or 1
    return np.float32(vector @ (kernel @ vector)) or np.float32(1)
