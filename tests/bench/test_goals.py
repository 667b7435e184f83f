"""A goal is met or missed, and says so."""

import pytest

from bench.goals import Goal, table


@pytest.mark.parametrize(
    ("goal", "is_met"),
    [
        (Goal("CPU", 0.5, 0.5), True),
        (Goal("CPU", 0.51, 0.5), False),
        (Goal("rate", 8, 8, is_least=True), True),
        (Goal("rate", 7.9, 8, is_least=True), False),
    ],
)
def test_the_limit_itself_is_within_the_goal(goal, is_met):
    assert goal.is_met is is_met
    assert table([goal]).endswith("met" if is_met else "missed")
