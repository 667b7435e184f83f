"""The goals beside what was measured; met or missed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


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


def of_speed(result: dict[str, Any]) -> list[Goal]:
    http, instant = result["http"]["derived"], result["instant"]["derived"]
    rate = "messages/s, platform / handler"
    return [
        Goal(f"{rate}, model over HTTP", http["turns_per_second_to_handler"], 8, is_least=True),
        Goal(f"{rate}, in process", instant["turns_per_second_to_handler"], 5, is_least=True),
        Goal("CPU a turn, platform / handler, HTTP", http["cpu_to_handler"], 1 / 8),
        Goal("CPU a turn, platform / bare graph, HTTP", http["cpu_to_bare"], 1.0),
        Goal("CPU a token, HTTP, µs", http["cpu_us_per_token"]["platform"], 100),
        Goal("first token p50, times sooner, HTTP", http["first_token_sooner"], 2, is_least=True),
    ]


def table(goals: list[Goal]) -> str:
    lines = ["", f"{'figure':42}{'measured':>12}{'goal':>12}"]
    for goal in goals:
        limit = f"{'≥' if goal.is_least else '≤'} {goal.limit:g}"
        outcome = "met" if goal.is_met else "missed"
        lines.append(f"{goal.figure:42}{goal.measured:>12g}{limit:>12}  {outcome}")
    return "\n".join(lines)
