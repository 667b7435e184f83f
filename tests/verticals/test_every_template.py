"""What is true of each vertical's template, whichever it is."""

import json
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from agents.loading import read_template
from agents.registry import get_tools, list_template_files
from agents.spec import TemplateSpec, placeholders
from agents.verticals.ecommerce import demo as shop_demo
from agents.verticals.fintech import demo as bank_demo
from agents.verticals.saas import demo as cloud_demo
from tests.verticals import test_ecommerce_writes, test_fintech_writes, test_saas_writes
from tests.verticals.shop import call

# Gold data lies beside a working copy; a clone has none.
EVAL = Path(__file__).resolve().parents[3] / "shared" / "eval"

# Of each vertical: its demo data, its writes, and arguments with which its reads succeed.
DEMOS: dict[str, ModuleType] = {"ecommerce": shop_demo, "saas": cloud_demo, "fintech": bank_demo}
WRITES: dict[str, ModuleType] = {
    "ecommerce": test_ecommerce_writes,
    "saas": test_saas_writes,
    "fintech": test_fintech_writes,
}
READS = {
    "ecommerce": {
        "delivery_options": {},
        "get_invoice": {"order_number": "1042"},
        "get_order": {"order_number": "1042"},
        "get_refund_status": {},
        "list_coupons": {},
        "list_orders": {},
        "list_reviewable_products": {},
        "search_help": {"query": "return"},
        "track_shipment": {"order_number": "1042"},
    },
    "saas": {
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
    },
    "fintech": {
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
    },
}


@dataclass(frozen=True)
class Vertical:
    label: str
    template: TemplateSpec

    @property
    def tools(self):
        return get_tools(self.label)

    @property
    def uses(self):
        return [use for agent in self.template.agents for use in agent.tools]

    @property
    def intents(self):
        agents = [intent for agent in self.template.agents for intent in agent.intents]
        return [*agents, *self.template.human.intents]


def normal(text):
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold()))


@pytest.fixture(params=list_template_files(), ids=lambda file: file.label, scope="module")
def vertical(request):
    file = request.param
    return Vertical(file.label, read_template(file.path, source=file.source))


@pytest.fixture
def results(vertical, db):
    """What each tool gives when it succeeds."""
    demo, writes = DEMOS[vertical.label], WRITES[vertical.label]
    demo.load()
    given = {
        name: call(vertical.tools[name], **args) for name, args in READS[vertical.label].items()
    }
    for tool, args in writes.WRITES:
        getattr(writes, "set_up", lambda tool: None)(tool)
        given[tool.name] = call(tool, **args)
        demo.reset()
    return given


def test_every_vertical_is_tried(vertical):
    assert vertical.label in READS
    assert (vertical.template.slug, vertical.template.demo_customer) == (vertical.label, "ana")


def test_every_tool_is_in_somebodys_hands(vertical):
    used = {use.name for use in vertical.uses}
    own = f".{vertical.label}."
    assert used == {n for n, tool in vertical.tools.items() if own in tool.function.__module__}


def test_every_intent_is_served_by_a_tool_or_an_answer(vertical):
    for intent in vertical.intents:
        assert bool(intent.tool) != bool(intent.reply), intent.name
        assert 8 <= len(intent.examples) <= 15, intent.name


def test_every_intent_that_says_in_words_what_it_is_says_something_of_its_own(vertical):
    descriptions = [intent.description for intent in vertical.intents if intent.description]
    assert len(set(descriptions)) == len(descriptions)


def test_every_tool_speaks_and_every_needed_argument_is_asked_for(vertical):
    for use in vertical.uses:
        fields = vertical.tools[use.name].args_model.model_fields
        needed = {name for name, field in fields.items() if field.is_required()}
        assert use.doing, use.name
        assert use.reply, use.name
        assert needed <= set(use.ask), use.name


def test_what_the_server_fills_in_is_hidden(vertical):
    for use in vertical.uses:
        fields = vertical.tools[use.name].args_model.model_fields
        filled = {n for n, f in fields.items() if "Leave it out" in (f.description or "")}
        assert set(use.hidden) == filled, use.name


def test_replies_name_only_what_the_tools_give(vertical, results):
    for use in vertical.uses:
        assert placeholders(use.reply or "") <= set(results[use.name]), use.name


def test_lookups_look_at_what_the_tools_give(vertical, results):
    for use in vertical.uses:
        for name, find in use.find.items():
            rows = results[find.tool][find.items]
            assert rows
            for row in rows:
                assert {find.field, *find.where, *placeholders(find.label)} <= set(row), name


def test_results_fit_into_what_a_model_sees(results):
    for name, result in results.items():
        assert len(json.dumps(result, ensure_ascii=False).encode()) <= 4096, name


def test_no_example_stands_twice(vertical):
    examples = [normal(text) for intent in vertical.intents for text in intent.examples]
    assert sorted(examples) == sorted(set(examples))


if EVAL.is_dir():

    def test_every_measured_intent_is_with_its_agent(vertical):
        wanted = json.loads((EVAL / "agents.json").read_text())[vertical.label]
        offered = {
            agent.name: {i.name for i in agent.intents} for agent in vertical.template.agents
        }
        offered["human"] = {intent.name for intent in vertical.template.human.intents}
        for agent, intents in wanted.items():
            assert set(intents) <= offered[agent]

    def test_no_example_is_copied_from_the_measured_messages(vertical):
        measured = set()
        for file in sorted((EVAL / "dev").glob("*.jsonl")):
            for line in file.read_text().splitlines():
                row = json.loads(line)
                measured |= {normal(text) for text in [row["text"], *row.get("parts", [])]}
        for intent in vertical.intents:
            assert not measured & {normal(text) for text in intent.examples}, intent.name
