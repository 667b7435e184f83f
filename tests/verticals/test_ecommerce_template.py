import json
import re
import unicodedata
from pathlib import Path

import pytest

from agents.loading import read_template
from agents.registry import get_tools
from agents.spec import placeholders
from agents.verticals import ecommerce
from agents.verticals.ecommerce import demo, rules
from tests.verticals.shop import call
from tests.verticals.test_ecommerce_writes import WRITES

FILE = Path(ecommerce.__file__).parent / "template.yaml"
# Gold data lies beside a working copy; a clone has none.
EVAL = Path(__file__).resolve().parents[3] / "shared" / "eval"

READS = {
    "delivery_options": {},
    "get_invoice": {"order_number": "1042"},
    "get_order": {"order_number": "1042"},
    "get_refund_status": {},
    "list_coupons": {},
    "list_orders": {},
    "list_reviewable_products": {},
    "search_help": {"query": "return"},
    "track_shipment": {"order_number": "1042"},
}


@pytest.fixture(scope="module")
def template():
    return read_template(FILE, source="ecommerce", tools=get_tools("ecommerce"))


@pytest.fixture
def results(shop):
    """What each tool gives when it succeeds."""
    given = {name: call(get_tools("ecommerce")[name], **args) for name, args in READS.items()}
    for tool, args in WRITES:
        given[tool.name] = call(tool, **args)
        demo.reset()
    return given


def all_intents(template):
    return [intent for agent in template.agents for intent in agent.intents] + [
        *template.human.intents
    ]


def normal(text):
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold()))


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


def test_every_tool_is_in_somebodys_hands(template):
    used = {use.name for agent in template.agents for use in agent.tools}
    offered = {
        name
        for name, tool in get_tools("ecommerce").items()
        if ".ecommerce." in tool.function.__module__
    }
    assert used == offered


def test_every_intent_is_served_by_a_tool_or_an_answer(template):
    for intent in all_intents(template):
        assert bool(intent.tool) != bool(intent.reply), intent.name
        assert 8 <= len(intent.examples) <= 15, intent.name


def test_every_tool_speaks_and_every_needed_argument_is_asked_for(template):
    for agent in template.agents:
        for use in agent.tools:
            tool = get_tools("ecommerce")[use.name]
            needed = {
                name for name, field in tool.args_model.model_fields.items() if field.is_required()
            }
            assert use.doing, use.name
            assert use.reply, use.name
            assert needed <= set(use.ask), (agent.name, use.name)


def test_replies_name_only_what_the_tools_give(template, results):
    for agent in template.agents:
        for use in agent.tools:
            assert placeholders(use.reply or "") <= set(results[use.name]), use.name


def test_lookups_look_at_what_the_tools_give(template, results):
    for agent in template.agents:
        for use in agent.tools:
            for name, find in use.find.items():
                rows = results[find.tool][find.items]
                assert rows
                for row in rows:
                    assert {find.field, *find.where, *placeholders(find.label)} <= set(row), name


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


def test_no_example_stands_twice(template):
    examples = [normal(text) for intent in all_intents(template) for text in intent.examples]
    assert sorted(examples) == sorted(set(examples))


if EVAL.is_dir():

    def test_every_measured_intent_is_with_its_agent(template):
        wanted = json.loads((EVAL / "agents.json").read_text())["ecommerce"]
        offered = {agent.name: {i.name for i in agent.intents} for agent in template.agents}
        offered["human"] = {intent.name for intent in template.human.intents}
        for agent, intents in wanted.items():
            assert set(intents) <= offered[agent]

    def test_no_example_is_copied_from_the_measured_messages(template):
        measured = set()
        for file in sorted((EVAL / "dev").glob("*.jsonl")):
            for line in file.read_text().splitlines():
                row = json.loads(line)
                measured |= {normal(text) for text in [row["text"], *row.get("parts", [])]}
        for intent in all_intents(template):
            assert not measured & {normal(text) for text in intent.examples}, intent.name
