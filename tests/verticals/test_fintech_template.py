import json
import re
import unicodedata
from pathlib import Path

import pytest

from agents.loading import read_template
from agents.registry import get_tools
from agents.spec import placeholders
from agents.verticals import fintech
from agents.verticals.fintech import demo, rules
from tests.verticals.bank import call
from tests.verticals.test_fintech_writes import WRITES

FILE = Path(fintech.__file__).parent / "template.yaml"
# Gold data lies beside a working copy; a clone has none.
EVAL = Path(__file__).resolve().parents[3] / "shared" / "eval"

READS = {
    "account_details": {},
    "check_card": {"card_ending": "4242"},
    "exchange_rate": {"currency": "USD"},
    "get_limits": {},
    "get_top_up": {"top_up_reference": "TU-3001"},
    "get_transaction": {"transaction_reference": "TX-1007"},
    "get_transfer": {"transfer_reference": "TR-2001"},
    "identity_status": {},
    "list_card_payments": {},
    "list_cards": {},
    "list_disputable_transactions": {},
    "list_exchange_rates": {},
    "list_fees": {},
    "list_refunds": {},
    "list_top_ups": {},
    "list_transactions": {},
    "list_transfers": {},
    "list_withdrawals": {},
    "search_help": {"query": "card"},
    "track_card": {},
}


@pytest.fixture(scope="module")
def template():
    return read_template(FILE, source="fintech", tools=get_tools("fintech"))


@pytest.fixture
def results(bank):
    """What each tool gives when it succeeds."""
    given = {name: call(get_tools("fintech")[name], **args) for name, args in READS.items()}
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


def test_every_tool_is_in_somebodys_hands(template):
    used = {use.name for agent in template.agents for use in agent.tools}
    offered = {
        name
        for name, tool in get_tools("fintech").items()
        if ".fintech." in tool.function.__module__
    }
    assert used == offered


def test_every_intent_is_served_by_a_tool_or_an_answer(template):
    for intent in all_intents(template):
        assert bool(intent.tool) != bool(intent.reply), intent.name
        assert 8 <= len(intent.examples) <= 15, intent.name


def test_every_tool_speaks_and_every_needed_argument_is_asked_for(template):
    for agent in template.agents:
        for use in agent.tools:
            tool = get_tools("fintech")[use.name]
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


def test_lookups_look_at_what_the_tools_give(template, results):
    for agent in template.agents:
        for use in agent.tools:
            for name, find in use.find.items():
                rows = results[find.tool][find.items]
                assert rows
                for row in rows:
                    assert {find.field, *find.where, *placeholders(find.label)} <= set(row), name


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


def test_results_fit_into_what_a_model_sees(results):
    for name, result in results.items():
        assert len(json.dumps(result, ensure_ascii=False).encode()) <= 4096, name


def test_every_intent_says_in_words_what_it_is(template):
    descriptions = [intent.description for intent in all_intents(template)]
    assert all(descriptions)
    assert len(set(descriptions)) == len(descriptions)


def test_no_example_stands_twice(template):
    examples = [normal(text) for intent in all_intents(template) for text in intent.examples]
    assert sorted(examples) == sorted(set(examples))


if EVAL.is_dir():

    def test_every_measured_intent_is_with_its_agent(template):
        wanted = json.loads((EVAL / "agents.json").read_text())["fintech"]
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
