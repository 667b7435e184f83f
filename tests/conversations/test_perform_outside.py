"""Writes in foreign systems: intention, call, outcome; and what a crash between them leaves."""

import dataclasses

import pytest
from django.db import OperationalError

from agents.tools import Refusal, ToolContext, support_tool
from conversations import effects as door
from conversations.effects import RowLedger
from conversations.errors import AlreadySettled, FenceLost, NotAllowed
from conversations.models import Conversation, Effect, Event, Interrupt, Message, Run
from conversations.services import effects
from tests.conversations.race import race, winners
from tests.factories import make_context, make_interrupt, make_sam, make_staff

pytestmark = pytest.mark.django_db(transaction=True)

ARGS = {"order_number": "1043"}


class Provider:
    """A payment provider that keeps what it was asked for by key; it answers as its script says."""

    def __init__(self, *script, external="once"):
        self.script = list(script)
        self.done = {}
        self.calls = []
        self.rows_at_call = None
        provider = self

        @support_tool(effect="write", external=external)
        async def cancel_order(ctx: ToolContext, order_number: str) -> dict:
            """Cancel an order at the provider."""
            return provider.take(ctx)

        self.tool = cancel_order

    def take(self, ctx):
        key = ctx.idempotency_headers["Idempotency-Key"]
        self.calls.append(key)
        item = self.script.pop(0) if self.script else "done"
        if isinstance(item, Exception):
            raise item
        if callable(item):
            item()
        self.done[key] = self.done.get(key, 0) + 1
        return {"provider": "ok"}


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(door, "OUTSIDE_WAITS_SECONDS", (0, 0))


@pytest.fixture
def grant(claim):
    run = Run.objects.get(pk=claim.run_id)
    now = claim.claimed_at
    return make_interrupt(
        run,
        args=ARGS,
        tool_call_id="call_1",
        status="approved",
        decided_by="customer",
        decided_at=now,
        business_key="cancel:order-1043",
    )


@pytest.fixture
def ledger(claim, shop):
    return RowLedger(claim, make_context())


def perform(ledger, provider):
    return ledger._perform(provider.tool, ARGS, "call_1")


def taken_over(claim):
    """The ledger of another process, which has claimed the run."""
    Run.objects.update(fence=claim.fence + 1)
    return RowLedger(dataclasses.replace(claim, fence=claim.fence + 1), make_context())


def died_after_calling(ledger, provider, monkeypatch):
    """Perform, and die before the outcome is stored."""

    def die(*args):
        raise FenceLost

    with monkeypatch.context() as patch:
        patch.setattr(effects, "conclude", die)
        with pytest.raises(FenceLost):
            perform(ledger, provider)
    assert Effect.objects.get().status == "started"


def test_the_intention_is_committed_before_the_call_and_the_outcome_after_it(ledger, grant):
    seen = []

    def look():
        # Another connection sees only what is committed.
        seen.extend(race(lambda: Effect.objects.get().status))

    provider = Provider(look)
    outcome = perform(ledger, provider)
    assert seen == ["started"]
    assert (outcome.status, outcome.content) == ("ok", '{"provider": "ok"}')
    assert Effect.objects.get().status == "done"
    assert provider.done == {str(grant.pk): 1}


def test_a_second_try_finds_the_outcome_and_does_not_call(ledger, grant):
    provider = Provider()
    assert perform(ledger, provider) == perform(ledger, provider)
    assert len(provider.calls) == 1


def test_without_an_approval_nobody_is_called(ledger, grant):
    Interrupt.objects.update(status="pending")
    provider = Provider()
    assert perform(ledger, provider).status == "error"
    assert provider.calls == []
    assert Effect.objects.count() == 0


def test_a_refusal_is_an_outcome_and_frees_the_key(ledger, grant):
    provider = Provider(Refusal("It has been shipped."))
    outcome = perform(ledger, provider)
    assert (outcome.status, outcome.content) == ("error", "It has been shipped.")
    assert Effect.objects.get().status == "refused"
    assert Interrupt.objects.get().business_key is None


def test_what_was_done_keeps_its_key(ledger, grant):
    perform(ledger, Provider())
    assert Interrupt.objects.get().business_key == "cancel:order-1043"


@pytest.mark.parametrize("fault", [TimeoutError("secret"), OperationalError("secret")])
def test_a_call_that_breaks_off_is_unknown_and_not_repeated(ledger, grant, fault, caplog):
    provider = Provider(fault)
    outcome = perform(ledger, provider)
    assert outcome.status == "unknown"
    assert len(provider.calls) == 1
    assert Effect.objects.get().status == "unknown"
    assert Conversation.objects.get().wants_person
    assert perform(ledger, provider) == outcome
    assert len(provider.calls) == 1
    assert "secret" not in caplog.text + outcome.content


def test_a_call_that_may_be_repeated_is_repeated_under_its_key(ledger, grant):
    provider = Provider(TimeoutError(), TimeoutError(), external="idempotent")
    assert perform(ledger, provider).status == "ok"
    assert provider.calls == [str(grant.pk)] * 3


def test_a_call_that_may_be_repeated_is_unknown_in_the_end(ledger, grant):
    provider = Provider(*[TimeoutError()] * 3, external="idempotent")
    assert perform(ledger, provider).status == "unknown"
    assert len(provider.calls) == 3


def test_after_a_crash_an_idempotent_call_is_made_again_with_the_same_key(
    claim, ledger, grant, monkeypatch
):
    provider = Provider(external="idempotent")
    died_after_calling(ledger, provider, monkeypatch)
    assert perform(taken_over(claim), provider).status == "ok"
    assert provider.calls == [str(grant.pk)] * 2
    assert Effect.objects.get().status == "done"


def test_after_a_crash_another_call_is_unknown_and_never_repeated(
    claim, ledger, grant, monkeypatch
):
    provider = Provider()
    died_after_calling(ledger, provider, monkeypatch)
    assert perform(taken_over(claim), provider).status == "unknown"
    assert len(provider.calls) == 1
    assert Effect.objects.get().status == "unknown"
    assert Conversation.objects.get().wants_person


def test_a_process_that_slept_through_its_call_changes_no_outcome(claim, ledger, grant):
    provider = Provider()

    def sleep():
        # In a thread, because this one is in the middle of a call.
        race(lambda: outcomes.append(perform(taken_over(claim), Provider()).status))

    outcomes = []
    provider.script = [sleep]
    with pytest.raises(FenceLost):
        perform(ledger, provider)
    assert outcomes == ["unknown"]
    assert Effect.objects.get().status == "unknown"


def test_a_process_that_slept_before_its_call_does_not_make_it(ledger, grant, settings):
    settings.LEASE_SECONDS = 0
    provider = Provider()
    with pytest.raises(FenceLost):
        perform(ledger, provider)
    assert provider.calls == []


def test_two_that_perform_at_once_call_once(ledger, grant):
    provider = Provider()
    race(*[lambda: perform(ledger, provider)] * 4)
    assert len(provider.calls) == 1
    assert Effect.objects.count() == 1


# --- staff settle what nobody knows ---


@pytest.fixture
def unknown(ledger, grant):
    perform(ledger, Provider(TimeoutError()))
    return Effect.objects.get()


@pytest.mark.parametrize(
    ("was_done", "status", "key", "text"),
    [
        (True, "done", "cancel:order-1043", "it was done: Cancel order 1043."),
        (False, "failed", None, "it was not done: Cancel order 1043."),
    ],
)
def test_staff_settle_it_and_the_customer_is_told(unknown, was_done, status, key, text):
    sam = make_sam()
    effects.settle(unknown.pk, was_done=was_done, user=sam, note="Looked.")
    row = Effect.objects.get()
    assert (row.status, row.settled_by, row.settled_note) == (status, sam, "Looked.")
    assert row.settled_at is not None
    assert row.interrupt.business_key == key
    message = Message.objects.get(role="staff")
    assert message.author == "Sam"
    assert text in message.content
    assert Event.objects.filter(type="message", payload__message_id=str(message.pk)).exists()


def test_it_is_settled_once(unknown):
    sam = make_sam()
    results = race(
        *[lambda d=d: effects.settle(unknown.pk, was_done=d, user=sam) for d in (True, False) * 3]
    )
    assert winners(results, AlreadySettled) == 1
    assert Message.objects.filter(role="staff").count() == 1


def test_what_is_known_cannot_be_settled(ledger, grant):
    perform(ledger, Provider())
    with pytest.raises(AlreadySettled):
        effects.settle(Effect.objects.get().pk, was_done=False, user=make_sam())
    assert Effect.objects.get().status == "done"


def test_olga_may_not_settle_it(unknown):
    with pytest.raises(NotAllowed):
        effects.settle(unknown.pk, was_done=True, user=make_staff("olga", may_decide=False))
    assert Effect.objects.get().status == "unknown"
