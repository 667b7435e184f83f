from decimal import Decimal

import pytest

from agents.verticals.fintech import tools
from agents.verticals.fintech.models import Transfer
from tests.verticals.bank import balance, call, get_transfer, make_context, prepare, refusal_of

pytestmark = pytest.mark.usefixtures("bank")


@pytest.mark.parametrize("tool", [tools.get_transfer, tools.cancel_transfer])
def test_a_transfer_of_somebody_else_reads_as_one_that_does_not_exist(tool):
    for run in [call, prepare] if tool.is_write else [call]:
        foreign = refusal_of(run, tool, transfer_reference="TR-5001")
        missing = refusal_of(run, tool, transfer_reference="TR-5999")
        assert foreign.replace("TR-5001", "TR-5999") == missing


def test_a_top_up_of_somebody_else_reads_as_one_that_does_not_exist():
    foreign = refusal_of(call, tools.get_top_up, top_up_reference="TU-6001")
    missing = refusal_of(call, tools.get_top_up, top_up_reference="TU-6999")
    assert foreign.replace("TU-6001", "TU-6999") == missing


def test_transfers_are_listed_newest_first_and_say_what_can_be_cancelled():
    rows = call(tools.list_transfers)["transfers"]
    assert [row["transfer_reference"] for row in rows] == [
        "TR-2001",
        "TR-2005",
        "TR-2002",
        "TR-2003",
        "TR-2004",
        "TR-2006",
    ]
    assert [r["transfer_reference"] for r in rows if r["can_cancel"] == "yes"] == ["TR-2001"]


def test_transfers_can_be_listed_by_state():
    rows = call(tools.list_transfers, status="failed")["transfers"]
    assert [row["transfer_reference"] for row in rows] == ["TR-2003"]
    clara = call(tools.list_transfers, make_context("clara"), status="failed")
    assert clara["summary"] == "You have no failed transfers."


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("TR-2001", "Until then I can cancel it"),
        ("TR-2002", "The other bank has one working day"),
        ("TR-2003", "the account has been closed"),
        ("TR-2004", "daily limit of 2000.00 EUR"),
        ("TR-2005", "It is pending and should arrive by"),
        ("TR-2006", "It arrived on"),
    ],
)
def test_a_transfer_tells_its_story(reference, words):
    assert words in call(tools.get_transfer, transfer_reference=reference)["summary"]


def test_cancelling_brings_amount_and_fee_back():
    ben = make_context("ben")
    proposal = prepare(tools.cancel_transfer, ben, transfer_reference="TR-5001")
    assert proposal.message == (
        "Cancel the transfer TR-5001 of 80.00 EUR to Petra Novak. "
        "81.50 EUR come back to your account."
    )
    before = balance("ben")
    call(tools.cancel_transfer, ben, transfer_reference="TR-5001")
    row = get_transfer("TR-5001")
    assert (row.status, row.cancelled_at is not None) == (Transfer.Status.CANCELLED, True)
    assert balance("ben") == before + Decimal("81.50")


@pytest.mark.parametrize(
    ("reference", "why", "instead"),
    [
        ("TR-2002", "was completed on", "ask Hausverwaltung Krone to return it"),
        ("TR-2003", "failed by itself", "no money is gone"),
        ("TR-2004", "was declined", "no money has left"),
        ("TR-2005", "only they can cancel it", "send it back"),
        ("TR-2006", "only they can cancel it", "send it back"),
    ],
)
def test_what_cannot_be_cancelled_says_why_and_what_can_be_done(reference, why, instead):
    before = balance()
    for run in (prepare, call):
        reason = refusal_of(run, tools.cancel_transfer, transfer_reference=reference)
        assert why in reason
        assert instead in reason
    assert balance() == before


def test_a_transfer_that_was_completed_after_the_proposal_is_not_cancelled():
    prepare(tools.cancel_transfer, transfer_reference="TR-2001")
    Transfer.objects.filter(reference="TR-2001").update(
        status=Transfer.Status.COMPLETED, completed_at=make_context().now
    )
    reason = refusal_of(call, tools.cancel_transfer, transfer_reference="TR-2001")
    assert "was completed on" in reason


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("TU-3001", "It failed, and we have not received any money. The bank of the other card"),
        ("TU-3002", "It is pending and should be there by"),
        ("TU-3003", "It is completed"),
        ("TU-3004", "It was reverted: the money went back"),
    ],
)
def test_a_top_up_tells_its_story(reference, words):
    assert words in call(tools.get_top_up, top_up_reference=reference)["summary"]


def test_top_ups_are_listed_newest_first():
    rows = call(tools.list_top_ups)["top_ups"]
    references = [row["top_up_reference"] for row in rows]
    assert references == ["TU-3001", "TU-3002", "TU-3004", "TU-3003"]
