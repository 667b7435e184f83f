"""What is true of every write of the bank, and of its rows."""

import json
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from agents.tools import SupportTool
from agents.verticals.fintech import tools
from agents.verticals.fintech.models import Account, Card, Dispute, Transaction, Transfer
from tests.verticals.bank import (
    at_once,
    balance,
    call,
    get_card,
    get_transaction,
    make_context,
    prepare,
    refusal_of,
    snapshot,
)

WRITES = [
    (tools.freeze_card, {"card_ending": "4242"}),
    (tools.unfreeze_card, {"card_ending": "1881"}),
    (tools.replace_card, {"card_ending": "4242", "reason": "damaged"}),
    (tools.report_lost_card, {"card_ending": "4242", "reason": "stolen"}),
    (tools.dispute_transaction, {"transaction_reference": "TX-1003", "reason": "charged_twice"}),
    (tools.refund_fee, {"transaction_reference": "TX-1010"}),
    (tools.cancel_transfer, {"transfer_reference": "TR-2001"}),
    (tools.change_limits, {"kind": "payments", "amount": 3000, "current_limit": "2500.00"}),
]
IDS = [tool.name for tool, _ in WRITES]


def test_the_table_names_every_write():
    offered = {getattr(tools, name) for name in tools.__all__}
    assert all(isinstance(tool, SupportTool) for tool in offered)
    assert {tool.name for tool in offered if tool.is_write} == set(IDS)


@pytest.mark.usefixtures("bank")
@pytest.mark.parametrize(("tool", "args"), WRITES, ids=IDS)
def test_preparing_changes_nothing(tool, args):
    before = snapshot()
    prepare(tool, **args)
    assert snapshot() == before


@pytest.mark.usefixtures("bank")
@pytest.mark.parametrize(("tool", "args"), WRITES, ids=IDS)
def test_a_proposal_is_plain_and_can_be_performed_once(tool, args):
    proposal = prepare(tool, **args)
    stored = tool.canonical(proposal.args or args)
    assert json.loads(json.dumps(stored)) == stored
    result = call(tool, **stored)
    assert json.loads(json.dumps(result)) == result
    assert result["summary"].endswith((".", "!"))
    refusal_of(call, tool, **stored)
    refusal_of(prepare, tool, **args)


@pytest.mark.usefixtures("bank")
@pytest.mark.parametrize(("tool", "args"), WRITES, ids=IDS)
def test_nobody_changes_anothers_rows(tool, args):
    before = snapshot()
    for customer in ("ben", None):
        if tool is not tools.change_limits or customer is None:
            refusal_of(prepare, tool, make_context(customer), **args)
        refusal_of(call, tool, make_context(customer), **args)
    assert snapshot() == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("tool", "args"), WRITES, ids=IDS)
def test_of_two_at_once_one_is_done_and_the_other_refused(tool, args, bank):
    results, refusals = at_once((tool, args), (tool, args))
    assert (len(results), len(refusals)) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_a_card_that_is_reported_and_replaced_at_once_gets_one_new_card(bank):
    args = {"card_ending": "4242"}
    at_once((tools.report_lost_card, args), (tools.replace_card, args))
    assert get_card("4242").status == Card.Status.CANCELLED
    assert Card.objects.filter(replaces__ending="4242").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_card_that_is_reported_and_unfrozen_at_once_ends_blocked(bank):
    args = {"card_ending": "1881"}
    at_once((tools.unfreeze_card, args), (tools.report_lost_card, args))
    assert get_card("1881").status == Card.Status.CANCELLED


@pytest.mark.django_db(transaction=True)
def test_money_that_comes_back_from_two_sides_at_once_is_all_there(bank):
    before = balance()
    results, _ = at_once(
        (tools.cancel_transfer, {"transfer_reference": "TR-2001"}),
        (tools.refund_fee, {"transaction_reference": "TX-1010"}),
    )
    assert len(results) == 2
    assert balance() == before + Decimal("252.00")


@pytest.mark.django_db(transaction=True)
def test_of_two_limits_at_once_the_second_does_not_build_on_what_is_gone(bank):
    def wanted(amount):
        return {"kind": "payments", "amount": amount, "current_limit": "2500.00"}

    results, refusals = at_once(
        (tools.change_limits, wanted(1000)), (tools.change_limits, wanted(2000))
    )
    assert (len(results), len(refusals)) == (1, 1)
    assert "in the meantime" in refusals[0]


@pytest.mark.usefixtures("bank")
def test_a_refusal_undoes_what_was_done_before_it():
    before = snapshot()

    def freeze_and_unfreeze():
        with transaction.atomic():
            call(tools.freeze_card, card_ending="4242")
            call(tools.unfreeze_card, card_ending="9050")

    refusal_of(freeze_and_unfreeze)
    assert snapshot() == before


def _card(which, **changes):
    return Card.objects.filter(customer__ref="ana", ending=which).update(**changes)


def _transaction(**changes):
    return Transaction.objects.filter(reference="TX-1002").update(**changes)


def _transfer(**changes):
    return Transfer.objects.filter(reference="TR-2001").update(**changes)


BROKEN = {
    "one ending twice": lambda: _card("4242", ending="1881"),
    "an unknown state of a card": lambda: _card("4242", status="melted"),
    "a card frozen at no time": lambda: _card("4242", status="frozen"),
    "a card cancelled for no reason": lambda: _card(
        "4242", status="cancelled", cancelled_at=timezone.now()
    ),
    "two replacements of one card": lambda: _card("4242", replaces=get_card("9050")),
    "a payment of nothing": lambda: _transaction(amount=0),
    "an unknown kind": lambda: _transaction(kind="gift"),
    "a foreign amount without a rate": lambda: _transaction(original_amount=5),
    "a payment that pays back a fee": lambda: _transaction(
        pays_back_fee=get_transaction("TX-1010")
    ),
    "a fee paid back twice": lambda: Transaction.objects.create(
        reference="TX-9999",
        account=Account.objects.get(customer__ref="ana"),
        kind="refund",
        description="again",
        made_at=timezone.now(),
        amount="4.50",
        pays_back_fee=get_transaction("TX-1019"),
    ),
    "two disputes of one payment": lambda: Dispute.objects.create(
        transaction=get_transaction("TX-1018"), opened_at=timezone.now()
    ),
    "a transfer of nothing": lambda: _transfer(amount=0),
    "a transfer completed at no time": lambda: _transfer(status="completed"),
    "an incoming transfer cancelled": lambda: _transfer(
        status="cancelled", cancelled_at=timezone.now(), direction="incoming"
    ),
    "a limit below nothing": lambda: Account.objects.update(payments_limit=-1),
}


@pytest.mark.usefixtures("bank")
@pytest.mark.parametrize("how", BROKEN)
def test_the_database_refuses(how):
    with pytest.raises(IntegrityError), transaction.atomic():
        BROKEN[how]()
