"""Percentiles and medians."""

from __future__ import annotations

from statistics import median
from typing import Any


def percentile(values: list[float], percent: float) -> float:
    """Return the nearest-rank percentile."""
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * percent // 100))
    return ordered[int(rank) - 1]


def in_ms(values: list[float]) -> dict[str, float]:
    """Return p50 and p95 of seconds, in milliseconds."""
    return {f"p{p}": round(percentile(values, p) * 1000, 1) for p in (50, 95)}


def medians(measured: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the median of each figure over several measurements of the same shape."""
    first = measured[0]
    result: dict[str, Any] = {}
    for name, value in first.items():
        if isinstance(value, dict):
            result[name] = medians([one[name] for one in measured])
        elif isinstance(value, int | float):
            result[name] = round(median(one[name] for one in measured), 3)
    return result
