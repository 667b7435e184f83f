from decimal import Decimal

import pytest

from agents.spec import Limits

LIMITS = Limits(measure="amount", none=5, customer=50, staff=1000)


@pytest.mark.parametrize("measure", ["-0.01", "-1000000", "NaN", "sNaN", "Infinity", "-Infinity"])
def test_what_is_no_amount_is_within_no_limit(measure):
    assert LIMITS.approver_for(Decimal(measure)) is None


def test_nothing_is_the_smallest_amount():
    assert LIMITS.approver_for(Decimal(0)) == "none"
