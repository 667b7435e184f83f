import json
import re
import unicodedata
from pathlib import Path

import pytest

from agents.loading import read_template
from agents.registry import get_tools
from agents.spec import placeholders
from agents.verticals import saas
from agents.verticals.saas import demo, rules
from agents.verticals.saas.models import Plan
from tests.verticals.cloud import call
from tests.verticals.test_saas_writes import WRITES, set_up

FILE = Path(saas.__file__).parent / "template.yaml"
# Gold data lies beside a working copy; a clone has none.
EVAL = Path(__file__).resolve().parents[3] / "shared" / "eval"

READS = {
    "get_invoice": {"invoice_number": "INV-2041"},
    "get_payment_status": {},
    "get_refund_status": {},
    "get_subscription": {},
    "list_api_keys": {},
    "list_credits": {},
    "list_invoices": {},
    "list_members": {},
    "list_plans": {},
    "list_tickets": {},
    "search_help": {"query": "export"},
    "service_status": {},
}


@pytest.fixture(scope="module")
def template():
    return read_template(FILE, source="saas", tools=get_tools("saas"))


@pytest.fixture
def results(db):
    """What each tool gives when it succeeds."""
    demo.load()
    given = {name: call(get_tools("saas")[name], **args) for name, args in READS.items()}
    for tool, args in WRITES:
        set_up(tool)
        given[tool.name] = call(tool, **args)
        demo.reset()
    return given


def all_intents(template):
    return [intent for agent in template.agents for intent in agent.intents] + [
        *template.human.intents
    ]


def normal(text):
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold()))


def test_the_template_is_the_services(template):
    assert (template.slug, template.demo_customer) == ("saas", "ana")
    assert [agent.name for agent in template.agents] == ["plan", "access", "billing", "technical"]


def test_every_tool_is_in_somebodys_hands(template):
    used = {use.name for agent in template.agents for use in agent.tools}
    offered = {
        name for name, tool in get_tools("saas").items() if ".saas." in tool.function.__module__
    }
    assert used == offered


def test_every_intent_is_served_by_a_tool_or_an_answer(template):
    for intent in all_intents(template):
        assert bool(intent.tool) != bool(intent.reply), intent.name
        assert 8 <= len(intent.examples) <= 15, intent.name


def test_every_tool_speaks_and_every_needed_argument_is_asked_for(template):
    for agent in template.agents:
        for use in agent.tools:
            tool = get_tools("saas")[use.name]
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


def test_what_the_server_fills_in_is_hidden(template):
    for agent in template.agents:
        for use in agent.tools:
            fields = get_tools("saas")[use.name].args_model.model_fields
            filled = {n for n, f in fields.items() if "Leave it out" in (f.description or "")}
            assert set(use.hidden) == filled, use.name


def test_texts_tell_the_numbers_of_the_rules_and_the_demo(template, db):
    demo.load()
    replies = {intent.name: intent.reply or "" for intent in all_intents(template)}
    assert f"within {rules.REFUND_DAYS} days" in replies["check_refund_policy"]
    assert f"up to {rules.PAYOUT_DAYS} days" in replies["check_refund_policy"]
    assert f"{rules.DATA_KEPT_DAYS} days" in replies["check_cancellation_fee"]
    article = call(get_tools("saas")["search_help"], query="plans prices")["articles"][0]
    for plan in Plan.objects.exclude(name="Free"):
        assert f"{plan.name} ({plan.price} EUR, up to {plan.max_seats}" in article["text"]


def test_no_example_stands_twice(template):
    examples = [normal(text) for intent in all_intents(template) for text in intent.examples]
    assert sorted(examples) == sorted(set(examples))


if EVAL.is_dir():

    def test_every_measured_intent_is_with_its_agent(template):
        wanted = json.loads((EVAL / "agents.json").read_text())["saas"]
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
