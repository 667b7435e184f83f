from pathlib import Path

import pytest

from agents.loading import read_template
from agents.registry import get_tools
from agents.verticals import fintech
from agents.verticals.fintech import rules

FILE = Path(fintech.__file__).parent / "template.yaml"


@pytest.fixture(scope="module")
def template():
    return read_template(FILE, source="fintech", tools=get_tools("fintech"))


def all_intents(template):
    return [intent for agent in template.agents for intent in agent.intents] + [
        *template.human.intents
    ]


def test_the_template_is_the_banks(template):
    assert (template.slug, template.demo_customer) == ("fintech", "ana")
    assert [agent.name for agent in template.agents] == [
        "cards",
        "security",
        "payments",
        "cash",
        "transfers",
        "topup",
        "exchange",
        "account",
    ]


def test_security_comes_first(template):
    priorities = {agent.name: agent.priority for agent in template.agents}
    security = priorities.pop("security")
    assert security > max(priorities.values())


def test_a_model_is_told_what_each_reference_looks_like():
    patterns = {
        name: field["pattern"]
        for tool in get_tools("fintech").values()
        for name, field in tool.args_model.model_json_schema()["properties"].items()
        if name.endswith(("_reference", "_ending"))
    }
    assert patterns == {
        "card_ending": r"^\d{4}$",
        "top_up_reference": r"^TU-?\d{4,6}$",
        "transaction_reference": r"^TX-?\d{4,6}$",
        "transfer_reference": r"^TR-?\d{4,6}$",
    }


def test_policies_hold(template):
    policies = {
        (agent.name, use.name): use.approver
        or (use.limits.measure, use.limits.customer, use.limits.staff)
        for agent in template.agents
        for use in agent.tools
        if get_tools("fintech")[use.name].is_write
    }
    assert policies == {
        ("cards", "freeze_card"): "none",
        ("cards", "unfreeze_card"): "customer",
        ("cards", "replace_card"): "customer",
        ("cards", "change_limits"): ("amount", 1000, max(rules.MAX_LIMIT.values())),
        ("security", "freeze_card"): "none",
        ("security", "report_lost_card"): "customer",
        ("security", "dispute_transaction"): "customer",
        ("payments", "dispute_transaction"): "customer",
        ("payments", "refund_fee"): ("amount", None, rules.MAX_FEE_REFUND),
        ("cash", "dispute_transaction"): "customer",
        ("transfers", "cancel_transfer"): "customer",
    }


def test_every_intent_says_in_words_what_it_is(template):
    descriptions = [intent.description for intent in all_intents(template)]
    assert all(descriptions)
    assert len(set(descriptions)) == len(descriptions)
