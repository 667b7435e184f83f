from pathlib import Path

import pytest

from agents.loading import read_template
from agents.registry import get_tools
from agents.verticals import saas
from agents.verticals.saas import demo, rules
from agents.verticals.saas.models import Plan
from tests.verticals.cloud import call
from tests.verticals.test_saas_writes import WRITES

FILE = Path(saas.__file__).parent / "template.yaml"


@pytest.fixture(scope="module")
def template():
    return read_template(FILE, source="saas", tools=get_tools("saas"))


def all_intents(template):
    return [intent for agent in template.agents for intent in agent.intents] + [
        *template.human.intents
    ]


def test_the_template_is_the_services(template):
    assert (template.slug, template.demo_customer) == ("saas", "ana")
    assert [agent.name for agent in template.agents] == ["plan", "access", "billing", "technical"]


def test_staff_and_limits_hold(template):
    uses = [use for agent in template.agents for use in agent.tools]
    limits = {
        use.name: (use.limits.measure, use.limits.customer, use.limits.staff)
        for use in uses
        if use.limits
    }
    assert limits == {
        "change_seats": ("seats", 100, 500),
        "refund_invoice": ("amount", None, 1000),
        "apply_credit": ("amount", 20, 200),
    }
    assert {use.name for use in uses if use.approver == "staff"} == {"reset_mfa"}
    approved = {use.name for use in uses if use.approver or use.limits}
    assert approved == {tool.name for tool, _ in WRITES}


def test_texts_tell_the_numbers_of_the_rules_and_the_demo(template, db):
    demo.load()
    replies = {intent.name: intent.reply or "" for intent in all_intents(template)}
    assert f"within {rules.REFUND_DAYS} days" in replies["check_refund_policy"]
    assert f"up to {rules.PAYOUT_DAYS} days" in replies["check_refund_policy"]
    assert f"{rules.DATA_KEPT_DAYS} days" in replies["check_cancellation_fee"]
    article = call(get_tools("saas")["search_help"], query="plans prices")["articles"][0]
    for plan in Plan.objects.exclude(name="Free"):
        assert f"{plan.name} ({plan.price} EUR, up to {plan.max_seats}" in article["text"]
