from pathlib import Path

import pytest

from agents.loading import read_template
from agents.registry import get_tools
from agents.verticals import ecommerce
from agents.verticals.ecommerce import rules

FILE = Path(ecommerce.__file__).parent / "template.yaml"


@pytest.fixture(scope="module")
def template():
    return read_template(FILE, source="ecommerce", tools=get_tools("ecommerce"))


def test_the_template_is_the_shops(template):
    assert (template.slug, template.demo_customer) == ("ecommerce", "ana")
    assert [agent.name for agent in template.agents] == [
        "orders",
        "shipping",
        "returns",
        "billing",
        "account",
        "discounts",
        "feedback",
    ]


def test_limits_hold(template):
    limits = {
        use.name: (use.limits.measure, use.limits.customer, use.limits.staff)
        for agent in template.agents
        for use in agent.tools
        if use.limits
    }
    assert limits == {
        "refund_order": ("amount", 50, 1000),
        "apply_discount": ("percent", 10, rules.MAX_DISCOUNT_PERCENT),
        "generate_coupon": ("percent", 10, rules.MAX_COUPON_PERCENT),
    }
