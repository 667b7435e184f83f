"""Figures from lists of judgements."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


def share(hits: Iterable[bool]) -> float | None:
    """Return the share of true ones; None of nothing."""
    all_hits = list(hits)
    return round(sum(all_hits) / len(all_hits), 4) if all_hits else None


def auroc(positive: list[float], negative: list[float]) -> float | None:
    """Return how likely a positive has a higher score than a negative; a tie counts half."""
    if not positive or not negative:
        return None
    scores = np.array(positive + negative)
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks = (last - (counts - 1) / 2)[inverse]
    wins = ranks[: len(positive)].sum() - len(positive) * (len(positive) + 1) / 2
    return round(float(wins) / (len(positive) * len(negative)), 4)


def f1(found: list[bool], wanted: list[bool]) -> float | None:
    """Return the harmonic mean of precision and recall of a detection."""
    both = sum(f and w for f, w in zip(found, wanted, strict=True))
    return round(2 * both / (sum(found) + sum(wanted)), 4) if any(found) or any(wanted) else None
