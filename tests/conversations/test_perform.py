import copy
import dataclasses
import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import OperationalError
from django.utils import timezone

from agents.registry import get_tool
from agents.tools import Refusal, SupportTool, ToolContext, support_tool
from agents.verticals.ecommerce.models import Order, Refund
from conversations.effects import RowLedger, as_text
from conversations.models import Conversation, Effect, Interrupt, Run
from tests.conversations.race import race, winners
from tests.factories import (
    SHOP,
    make_context,
    make_conversation,
    make_interrupt,
    make_message,
    make_sam,
    make_spec,
    make_version,
)

pytestmark = pytest.mark.django_db(transaction=True)

ARGS = {"order_number": "1043"}
NOT_APPROVED = "This was not done: there is no valid approval for it."


@pytest.fixture
def cancel_order(transactional_db) -> SupportTool:
    return get_tool("cancel_order", "ecommerce")


@pytest.fixture
def ledger(claim, shop):
    return RowLedger(claim, make_context())


def approve(claim, **values):
    run = Run.objects.get(pk=claim.run_id)
    now = timezone.now()
    defaults = {
        "args": ARGS,
        "tool_call_id": "call_1",
        "status": "approved",
        "decided_by": "customer",
        "decided_at": now,
    }
    if values.get("decided_by") == "staff":
        values["decided_by_user"] = make_sam()
    return make_interrupt(run, **{**defaults, **values})


def let(approver, claim):
    """Let the claim's template say who approves that an order is cancelled."""
    agents = copy.deepcopy(SHOP["agents"])
    agents[0]["tools"][2]["approver"] = approver
    version = make_version(make_spec(agents=agents))
    Conversation.objects.update(version=version)


def as_cancel_order(tool):
    """A tool of a test's own, under a name that the template has."""
    return dataclasses.replace(tool, name="cancel_order")


def order():
    return Order.objects.get(number="1043")


def refused(outcome):
    """Whether nothing was done, and said so."""
    nothing = order().status == "processing" and Refund.objects.count() == 0
    return nothing and outcome.status == "error" and outcome.content == NOT_APPROVED


def test_an_approved_write_is_done_and_recorded(ledger, claim, cancel_order):
    grant = approve(claim)
    outcome = ledger._perform(cancel_order, ARGS, "call_1")
    assert outcome.status == "ok"
    assert '"status": "cancelled"' in outcome.content
    assert order().status == "cancelled"
    effect = Effect.objects.get()
    assert (effect.interrupt, effect.tool, effect.args, effect.status, effect.result) == (
        grant,
        "cancel_order",
        ARGS,
        "done",
        outcome.content,
    )


def test_a_write_performed_twice_is_done_once_and_answered_the_same(ledger, claim, cancel_order):
    approve(claim)
    first = ledger._perform(cancel_order, ARGS, "call_1")
    assert ledger._perform(cancel_order, ARGS, "call_1") == first
    assert (Effect.objects.count(), Refund.objects.count()) == (1, 1)


def test_a_write_performed_six_times_at_once_is_done_once(ledger, claim, cancel_order):
    approve(claim)
    results = race(*[lambda: ledger._perform(cancel_order, ARGS, "call_1")] * 6)
    assert winners(results) == 6
    assert len(set(results)) == 1
    assert (Effect.objects.count(), Refund.objects.count()) == (1, 1)


def test_without_an_interrupt_nothing_is_done(ledger, cancel_order):
    assert refused(ledger._perform(cancel_order, ARGS, "call_1"))


@pytest.mark.parametrize("status", ["pending", "rejected", "expired", "superseded"])
def test_without_an_approval_nothing_is_done(ledger, claim, cancel_order, status):
    approve(claim, status=status)
    assert refused(ledger._perform(cancel_order, ARGS, "call_1"))


@pytest.mark.parametrize(
    "late",
    [
        {"decided_at": None},
        {"expires_at": timezone.now() - timedelta(seconds=1), "decided_at": timezone.now()},
    ],
)
def test_an_approval_that_was_given_too_late_is_none(ledger, claim, cancel_order, late):
    approve(claim, **late)
    assert refused(ledger._perform(cancel_order, ARGS, "call_1"))


def test_an_approval_may_be_carried_out_after_its_term(ledger, claim, cancel_order):
    now = timezone.now()
    approve(claim, decided_at=now - timedelta(minutes=2), expires_at=now - timedelta(minutes=1))
    assert ledger._perform(cancel_order, ARGS, "call_1").status == "ok"


@pytest.mark.parametrize(
    ("approver", "decided_by"),
    [
        ("customer", "staff"),
        ("customer", "system"),
        ("customer", ""),
        ("staff", "customer"),
        ("staff", "system"),
        ("none", "customer"),
        ("none", "staff"),
    ],
)
def test_an_approval_by_somebody_who_may_not_is_none(
    ledger, claim, cancel_order, approver, decided_by
):
    let(approver, claim)
    approve(claim, approver=approver, decided_by=decided_by)
    assert refused(ledger._perform(cancel_order, ARGS, "call_1"))


@pytest.mark.parametrize(
    ("approver", "decided_by"), [("customer", "customer"), ("staff", "staff"), ("none", "system")]
)
def test_an_approval_by_whoever_may_counts(ledger, claim, cancel_order, approver, decided_by):
    let(approver, claim)
    approve(claim, approver=approver, decided_by=decided_by)
    assert ledger._perform(cancel_order, ARGS, "call_1").status == "ok"


@pytest.mark.parametrize(
    ("policy", "approver", "decided_by"),
    [
        ("staff", "customer", "customer"),
        ("staff", "none", "system"),
        ("customer", "none", "system"),
        ("customer", "staff", "staff"),
    ],
)
def test_an_approval_by_another_than_the_policy_names_is_none(
    ledger, claim, cancel_order, policy, approver, decided_by
):
    let(policy, claim)
    approve(claim, approver=approver, decided_by=decided_by)
    assert refused(ledger._perform(cancel_order, ARGS, "call_1"))


@pytest.mark.parametrize(("measure", "is_allowed"), [("10", True), ("11", False), ("", False)])
def test_an_approval_is_for_a_size_that_its_approver_may_allow(ledger, claim, measure, is_allowed):
    args = {"order_number": "1043", "percent": 10}
    approve(claim, tool="apply_discount", agent="payments", args=args, measure=measure)
    outcome = ledger._perform(get_tool("apply_discount", "ecommerce"), args, "call_1")
    assert outcome.status == ("ok" if is_allowed else "error")
    assert Effect.objects.count() == is_allowed


@pytest.mark.parametrize("agent", ["payments", "nobody"])
def test_an_approval_is_for_an_agent_that_has_the_tool(ledger, claim, cancel_order, agent):
    approve(claim, agent=agent)
    assert refused(ledger._perform(cancel_order, ARGS, "call_1"))


def test_an_approval_by_staff_names_a_person(ledger, claim, cancel_order):
    let("staff", claim)
    grant = approve(claim, approver="staff", decided_by="staff")
    Interrupt.objects.filter(pk=grant.pk).update(decided_by_user=None)
    assert refused(ledger._perform(cancel_order, ARGS, "call_1"))


def test_an_approval_is_for_exactly_these_arguments(ledger, claim, cancel_order):
    approve(claim, args={"order_number": "1045"})
    assert refused(ledger._perform(cancel_order, ARGS, "call_1"))


@pytest.mark.parametrize(
    ("approved", "stored"), [("1045", "1043"), ("1043", "1045"), ("1043", "1044")]
)
def test_an_approval_whose_stored_arguments_were_changed_is_none(
    ledger, claim, cancel_order, approved, stored
):
    grant = approve(claim, args={"order_number": approved})
    Interrupt.objects.filter(pk=grant.pk).update(args={"order_number": stored})
    assert refused(ledger._perform(cancel_order, ARGS, "call_1"))
    assert Effect.objects.count() == 0


def test_an_approval_is_for_one_tool(ledger, claim):
    approve(claim)
    assert refused(ledger._perform(get_tool("refund_order", "ecommerce"), ARGS, "call_1"))


def test_an_approval_is_for_one_call(ledger, claim, cancel_order):
    approve(claim)
    assert refused(ledger._perform(cancel_order, ARGS, "call_2"))


def test_an_approval_is_for_one_run(ledger, claim, conversation, cancel_order):
    make_message(conversation, "Something else")
    other = Run.objects.exclude(pk=claim.run_id).get()
    approve(dataclasses.replace(claim, run_id=other.pk))
    assert refused(ledger._perform(cancel_order, ARGS, "call_1"))


def test_an_approval_of_another_conversation_is_none(ledger, claim, cancel_order):
    grant = approve(claim)
    other = make_conversation(version=claim.version)
    Interrupt.objects.filter(pk=grant.pk).update(conversation=other)
    assert refused(ledger._perform(cancel_order, ARGS, "call_1"))


@pytest.mark.parametrize("lost", [{"fence": 2}, {"status": "pending"}, {"status": "completed"}])
def test_a_process_that_lost_the_run_does_nothing(ledger, claim, cancel_order, lost):
    approve(claim)
    Run.objects.update(**lost)
    assert refused(ledger._perform(cancel_order, ARGS, "call_1"))


def test_the_process_that_took_the_run_over_may(claim, shop, cancel_order):
    approve(claim)
    Run.objects.update(fence=2)
    ledger = RowLedger(dataclasses.replace(claim, fence=2), make_context())
    assert ledger._perform(cancel_order, ARGS, "call_1").status == "ok"


def test_a_refusal_is_recorded_and_uses_the_approval_up(ledger, claim, cancel_order):
    approve(claim)
    Order.objects.update(status="shipped")
    outcome = ledger._perform(cancel_order, ARGS, "call_1")
    assert outcome.status == "error"
    assert "has already been shipped" in outcome.content
    assert Effect.objects.get().status == "refused"
    Order.objects.update(status="processing")
    assert ledger._perform(cancel_order, ARGS, "call_1") == outcome
    assert order().status == "processing"


def test_a_failure_is_recorded_and_its_change_rolled_back(ledger, claim):
    @support_tool(effect="write")
    async def spoil(ctx: ToolContext) -> dict:
        """Change something, then break."""
        await Order.objects.aupdate(total=Decimal(1))
        raise RuntimeError("key=hunter2")

    approve(claim, args={})
    outcome = ledger._perform(as_cancel_order(spoil), {}, "call_1")
    assert outcome.status == "error"
    assert "hunter2" not in outcome.content
    assert Effect.objects.get().status == "failed"
    assert order().total != 1


def test_a_change_before_a_refusal_is_rolled_back(ledger, claim):
    @support_tool(effect="write")
    async def reconsider(ctx: ToolContext) -> dict:
        """Change something, then refuse."""
        await Order.objects.aupdate(total=Decimal(1))
        raise Refusal("No.")

    approve(claim, args={})
    assert ledger._perform(as_cancel_order(reconsider), {}, "call_1").content == "No."
    assert order().total != 1


def test_a_database_that_goes_away_leaves_nothing_and_may_be_tried_again(ledger, claim):
    tries = []

    @support_tool(effect="write")
    async def stumble(ctx: ToolContext) -> dict:
        """Lose the database once."""
        tries.append(1)
        await Order.objects.aupdate(total=Decimal(len(tries)))
        if len(tries) == 1:
            raise OperationalError("gone")
        return {}

    approve(claim, args={})
    with pytest.raises(OperationalError):
        ledger._perform(as_cancel_order(stumble), {}, "call_1")
    assert Effect.objects.count() == 0
    assert order().total != 1
    assert ledger._perform(as_cancel_order(stumble), {}, "call_1").status == "ok"
    assert order().total == 2


def test_a_tool_gets_the_same_key_at_every_try(ledger, claim):
    keys = []

    @support_tool(effect="write")
    async def remember(ctx: ToolContext) -> dict:
        """Note the key."""
        keys.append(ctx.idempotency_key)
        if len(keys) == 1:
            raise OperationalError("gone")
        return {}

    grant = approve(claim, args={})
    with pytest.raises(OperationalError):
        ledger._perform(as_cancel_order(remember), {}, "call_1")
    ledger._perform(as_cancel_order(remember), {}, "call_1")
    assert keys == [str(grant.pk)] * 2


def test_a_write_cannot_be_called_as_a_read(ledger, cancel_order):
    assert refused(ledger._read(cancel_order, ARGS))


def test_a_read_without_a_customer_is_refused(claim, shop):
    nobody = RowLedger(claim, make_context(customer_id=None))
    outcome = nobody._read(get_tool("list_orders", "ecommerce"), {})
    assert outcome.status == "error"
    assert "signed in" in outcome.content


@pytest.mark.parametrize("length", [4_094, 4_095, 20_000])
@pytest.mark.parametrize("letter", ["a", "ü", "😀", '"'])
def test_a_result_is_json_of_four_kilobytes_at_most(length, letter):
    text = as_text(letter * length)
    assert len(text.encode()) <= 4_096
    json.loads(text)
