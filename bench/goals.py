"""A goal beside what was measured: met or missed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """One figure; it is to be at most, or at least, `limit`."""

    figure: str
    measured: float
    limit: float
    is_least: bool = False

    @property
    def is_met(self) -> bool:
        return self.measured >= self.limit if self.is_least else self.measured <= self.limit


def table(goals: list[Goal]) -> str:
    """Return the goals for people."""
    lines = ["", f"{'figure':48}{'measured':>10}{'goal':>10}"]
    for goal in goals:
        limit = f"{'≥' if goal.is_least else '≤'} {goal.limit:g}"
        outcome = "met" if goal.is_met else "missed"
        lines.append(f"{goal.figure:48}{goal.measured:>10g}{limit:>10}  {outcome}")
    return "\n".join(lines)
