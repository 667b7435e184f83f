"""What is true of every write of the service, and of its rows."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from agents.tools import SupportTool
from agents.verticals.saas import demo, tools
from agents.verticals.saas.models import (
    ApiKey,
    BalanceEntry,
    Invoice,
    Member,
    Refund,
    Workspace,
)
from tests.verticals.cloud import (
    acme,
    at_once,
    call,
    get_invoice,
    make_context,
    prepare,
    refusal_of,
    snapshot,
)


@pytest.fixture(autouse=True)
def _loaded(db):
    demo.load()


WRITES = [
    (tools.change_plan, {"plan": "Business"}),
    (tools.change_seats, {"seats": 15}),
    (tools.cancel_subscription, {"reason": "too_expensive"}),
    (tools.resume_subscription, {}),
    (tools.retry_payment, {"invoice_number": "INV-2042"}),
    (tools.refund_invoice, {"invoice_number": "INV-2041"}),
    (tools.apply_credit, {"amount": "15.00"}),
    (tools.invite_member, {"email": "sam@example.com"}),
    (tools.remove_member, {"email": "liam@acme.example"}),
    (tools.reset_mfa, {"email": "priya@acme.example"}),
    (tools.rotate_api_key, {"key_name": "Production"}),
    (tools.open_ticket, {"problem": "Cards vanish when I drag them."}),
]
IDS = [tool.name for tool, _ in WRITES]


def set_up(tool):
    """Make the one write possible that the demo has no story for."""
    if tool is tools.resume_subscription:
        Workspace.objects.filter(slug="acme").update(cancelled_at=timezone.now())


def test_the_table_names_every_write():
    offered = {getattr(tools, name) for name in tools.__all__}
    assert all(isinstance(tool, SupportTool) for tool in offered)
    assert {tool.name for tool in offered if tool.is_write} == set(IDS)


@pytest.mark.parametrize(("tool", "args"), WRITES, ids=IDS)
def test_preparing_changes_nothing(tool, args):
    set_up(tool)
    before = snapshot()
    prepare(tool, **args)
    assert snapshot() == before


@pytest.mark.parametrize(("tool", "args"), WRITES, ids=IDS)
def test_a_proposal_is_plain_and_can_be_performed_once(tool, args):
    set_up(tool)
    proposal = prepare(tool, **args)
    stored = tool.canonical(proposal.args or args)
    assert json.loads(json.dumps(stored)) == stored
    result = call(tool, **stored)
    assert json.loads(json.dumps(result)) == result
    assert result["summary"].endswith((".", "!"))
    refusal_of(call, tool, **stored)


@pytest.mark.parametrize(("tool", "args"), WRITES, ids=IDS)
def test_somebody_who_is_not_signed_in_is_asked_to_sign_in(tool, args):
    for run in (prepare, call):
        assert "sign in" in refusal_of(run, tool, make_context(None), **args)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("tool", "args"), WRITES, ids=IDS)
def test_of_two_at_once_one_is_done_and_the_other_refused(tool, args):
    set_up(tool)
    results, refusals = at_once((tool, args), (tool, args))
    assert (len(results), len(refusals)) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_the_last_seat_goes_to_one_of_two_who_are_invited_at_once():
    Workspace.objects.filter(slug="acme").update(seats=10)
    results, refusals = at_once(
        (tools.invite_member, {"email": "sam@example.com"}),
        (tools.invite_member, {"email": "olga@example.com"}, make_context("tom")),
    )
    assert (len(results), len(refusals)) == (1, 1)
    assert acme().members.count() == 10


@pytest.mark.django_db(transaction=True)
def test_seats_and_members_that_change_at_once_still_fit():
    Workspace.objects.filter(slug="acme").update(seats=10)
    at_once(
        (tools.invite_member, {"email": "sam@example.com"}),
        (tools.change_seats, {"seats": 9}, make_context("tom")),
    )
    assert acme().members.count() <= acme().coming_seats


@pytest.mark.django_db(transaction=True)
def test_two_owners_who_remove_each_other_at_once_leave_one():
    Member.objects.filter(ref="tom").update(role="owner")
    results, refusals = at_once(
        (tools.remove_member, {"email": "tom@acme.example"}),
        (tools.remove_member, {"email": "ana@acme.example"}, make_context("tom")),
    )
    assert (len(results), len(refusals)) == (1, 1)
    assert acme().members.filter(role="owner").count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_upgrade_and_seats_at_once_are_charged_as_a_whole():
    results, _ = at_once(
        (tools.change_plan, {"plan": "Business"}), (tools.change_seats, {"seats": 15})
    )
    assert len(results) == 2
    charged = sum(entry.amount for entry in BalanceEntry.objects.filter(invoice=None))
    # 15 seats at 20.00 instead of 12 at 12.00, for 27 of 30 days, in whichever order.
    assert charged == Decimal("140.40")


def test_a_refusal_undoes_what_was_done_before_it():
    before = snapshot()

    def refund_and_retry():
        with transaction.atomic():
            call(tools.refund_invoice, invoice_number="INV-2041")
            call(tools.retry_payment, invoice_number="INV-2040")

    refusal_of(refund_and_retry)
    assert snapshot() == before


BROKEN = {
    "refunded more than paid": lambda: Invoice.objects.filter(number="INV-2041").update(
        refunded_amount="144.01"
    ),
    "refunded less than nothing": lambda: Invoice.objects.filter(number="INV-2041").update(
        refunded_amount="-1"
    ),
    "refunded though unpaid": lambda: Invoice.objects.filter(number="INV-2042").update(
        refunded_amount="1"
    ),
    "an unknown state": lambda: Invoice.objects.filter(number="INV-2041").update(status="lost"),
    "paid at no time": lambda: Invoice.objects.filter(number="INV-2042").update(status="paid"),
    "one invoice number twice": lambda: Invoice.objects.filter(number="INV-2041").update(
        number="INV-3010"
    ),
    "a refund of nothing": lambda: Refund.objects.create(
        invoice=get_invoice("INV-2041"), amount=0, created_at=timezone.now()
    ),
    "a credit that is a charge": lambda: BalanceEntry.objects.create(
        workspace=acme(), kind="credit", amount=5, text="x", created_at=timezone.now()
    ),
    "one email twice in a workspace": lambda: Member.objects.create(
        workspace=acme(), email="ANA@acme.example"
    ),
    "an unknown role": lambda: Member.objects.filter(ref="tom").update(role="king"),
    "two-factor before joining": lambda: Member.objects.filter(email="chen@acme.example").update(
        has_mfa=True
    ),
    "one key name twice": lambda: ApiKey.objects.filter(name="Zapier").update(name="STAGING"),
    "no seats": lambda: Workspace.objects.filter(slug="acme").update(seats=0),
    "a period without days": lambda: Workspace.objects.filter(slug="acme").update(
        renews_on=acme().period_start - timedelta(days=1)
    ),
}


@pytest.mark.parametrize("how", BROKEN)
def test_the_database_refuses(how):
    with pytest.raises(IntegrityError), transaction.atomic():
        BROKEN[how]()
