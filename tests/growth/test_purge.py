"""What is old and over goes, with all its rows and its state; what is open stays; a receipt stays of each change."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from conversations import retention
from conversations.models import (
    Checkpoint,
    Conversation,
    Effect,
    Event,
    Interrupt,
    Message,
    Receipt,
    Run,
    Usage,
    Visitor,
)
from conversations.services import interrupts, purge
from escalation.models import Escalation, Note, Rating, WebhookAttempt, WebhookDelivery
from escalation.services import attempts, endpoints
from escalation.webhooks.retries import Answer
from tests import factories
from tests.conversations.race import race
from tests.fakes import Script, call, to
from tests.talk import in_database, open_talk, shop

__all__ = ["open_talk", "shop"]

OLD = timedelta(days=400)
YEAR = timedelta(days=365)
OF_ONE = (
    Conversation, Checkpoint, Run, Message, Interrupt, Effect, Event, Usage,
    Escalation, Note, Rating, WebhookDelivery, WebhookAttempt,
)  # fmt: skip


def grow_old():
    Conversation.objects.update(last_activity_at=timezone.now() - OLD)
    Visitor.objects.update(created_at=timezone.now() - OLD)


def a_year_ago():
    return timezone.now() - YEAR


def make_old(**values):
    """A conversation with one answered message, a year and more ago."""
    conversation = factories.make_conversation(**values)
    claim = factories.make_claim(conversation)
    run = Run.objects.get(pk=claim.run_id)
    Run.objects.update(status="completed")
    grow_old()
    return conversation, run


def make_effect(run, status="done", **values):
    interrupt = factories.make_interrupt(
        run, status="approved", decided_at=timezone.now(), decided_by="customer", **values
    )
    return Effect.objects.create(
        interrupt=interrupt,
        conversation=run.conversation,
        tool=interrupt.tool,
        args=interrupt.args,
        status=status,
        created_at=timezone.now(),
    )


async def test_nothing_is_left_of_a_conversation_but_receipts(open_talk, shop):
    cancel = call("cancel_order", order_number="1043")
    talk = await open_talk(Script(router=[to("orders")], orders=[cancel, "It is cancelled."]))
    await in_database(
        endpoints.create_endpoint, url="https://crm.example/", event_types=["message.created"]
    )
    await talk.say("Cancel order 1043")
    await talk.answer(True)
    assert talk.results == [("cancel_order", "ok")]

    def look_back():
        while (
            claim := attempts.claim_next(WebhookDelivery.objects.first().endpoint_id)
        ) is not None:
            attempts.record(claim, Answer(status_code=200))
        Note.objects.create(
            conversation=talk.conversation,
            author=factories.make_sam(),
            text="Friendly",
            created_at=timezone.now(),
        )
        grow_old()
        return Interrupt.objects.get()

    interrupt = await in_database(look_back)
    assert await Checkpoint.objects.acount() == 1
    purged = await in_database(retention.purge_before, a_year_ago(), at_most=10)
    assert (purged.conversations, purged.visitors) == (1, 1)
    assert [await model.objects.acount() for model in (*OF_ONE, Visitor)] == [0] * (len(OF_ONE) + 1)
    receipt = await Receipt.objects.aget()
    assert (receipt.pk, receipt.tool, receipt.status) == (interrupt.pk, "cancel_order", "done")
    assert (receipt.decided_by, receipt.digest) == ("customer", interrupt.digest)
    assert "1043" not in str(vars(receipt))


@pytest.fixture
def forget(transactional_db):
    """Purge as the sweep does, from a test that is not async."""

    def purge_all():
        return retention.purge_before(a_year_ago(), at_most=10)

    return purge_all


def is_kept(forget, conversation):
    forget()
    return Conversation.objects.filter(pk=conversation.pk).exists()


def make_delivery(conversation, **values):
    endpoint, _ = endpoints.create_endpoint(
        url="https://crm.example/", event_types=["message.created"]
    )
    return WebhookDelivery.objects.create(
        endpoint=endpoint,
        conversation=conversation,
        event_type="message.created",
        body=b"{}",
        next_attempt_at=timezone.now(),
        created_at=timezone.now(),
        **values,
    )


OPEN = {
    "a person is wanted": lambda c, run: Conversation.objects.update(wants_person=True),
    "a person has it": lambda c, run: Conversation.objects.update(status="handed_off"),
    "a message waits": lambda c, run: Run.objects.update(status="pending"),
    "a run goes on": lambda c, run: Run.objects.update(status="running"),
    "an approval waits": lambda c, run: factories.make_interrupt(run),
    "an effect is under way": lambda c, run: make_effect(run, "started"),
    "an effect is unknown": lambda c, run: make_effect(run, "unknown"),
    "an escalation is open": lambda c, run: Escalation.objects.create(
        conversation=c,
        reason="customer",
        priority="normal",
        created_at=timezone.now(),
        respond_by=timezone.now(),
        resolve_by=timezone.now(),
        due_at=timezone.now(),
    ),
    "a webhook is on its way": lambda c, run: make_delivery(c),
    "a dead letter was not seen": lambda c, run: make_delivery(c, status="dead"),
}


@pytest.mark.parametrize("why", OPEN)
def test_it_stays_while(forget, why):
    conversation, run = make_old()
    OPEN[why](conversation, run)
    assert is_kept(forget, conversation)


def test_it_goes_when_all_is_settled(forget):
    conversation, run = make_old()
    make_effect(run)
    make_delivery(conversation, status="delivered")
    make_delivery(conversation, status="dead", dismissed_at=timezone.now())
    assert not is_kept(forget, conversation)


def test_what_is_younger_stays(forget):
    conversation, _ = make_old()
    Conversation.objects.update(last_activity_at=a_year_ago() + timedelta(minutes=1))
    assert is_kept(forget, conversation)


def test_what_was_opened_again_after_it_was_listed_stays(forget):
    conversation, _ = make_old()
    ids = purge.list_due(a_year_ago(), limit=10)
    Conversation.objects.update(wants_person=True)
    assert purge.delete(ids, before=a_year_ago()).conversations == 0
    assert Conversation.objects.get() == conversation


def test_a_customer_with_another_conversation_stays(forget):
    visitor = factories.make_visitor(customer_id="ana", name="Ana")
    old, _ = make_old(visitor=visitor)
    factories.make_conversation(visitor=visitor)
    assert not is_kept(forget, old)
    assert Visitor.objects.get() == visitor


def test_visitors_who_never_wrote_go_but_known_customers_stay(forget):
    factories.make_visitor()
    factories.make_visitor(customer_id="ana", name="Ana")
    grow_old()
    young = factories.make_visitor()
    forget()
    assert {v.pk for v in Visitor.objects.filter(customer_id=None)} == {young.pk}
    assert Visitor.objects.filter(customer_id="ana").exists()


def test_what_was_done_in_a_foreign_system_is_not_done_again_after_the_purge(forget):
    _, run = make_old()
    make_effect(run, business_key="refund:1043")
    forget()
    assert not Interrupt.objects.exists()
    assert interrupts.is_in_force("refund:1043")


def test_two_purges_at_once_do_no_harm(transactional_db):
    for _ in range(8):
        _, run = make_old()
        make_effect(run)
    grow_old()
    ids = purge.list_due(a_year_ago(), limit=10)
    deleted = race(*[lambda: purge.delete(ids, before=a_year_ago()).conversations] * 2)
    assert sum(deleted) == Receipt.objects.count() == 8
    assert not Conversation.objects.exists()


def test_the_command_counts_and_deletes(transactional_db, capsys):
    make_old()
    kept, _ = make_old()
    Conversation.objects.filter(pk=kept.pk).update(wants_person=True)
    call_command("purge", "--days=365", "--dry-run")
    assert Conversation.objects.count() == 2
    call_command("purge", "--days=365")
    assert Conversation.objects.get() == kept
    dry, wet = capsys.readouterr().out.splitlines()
    assert dry.startswith("1 conversations would be deleted; 1 more are old")
    assert wet == "1 conversations and 1 visitors were deleted."


def test_the_command_asks_how_long_to_keep(db):
    with pytest.raises(CommandError, match="RETENTION_DAYS is not set"):
        call_command("purge")


def test_an_answerable_conversation_is_never_old(settings):
    settings.SESSION_TTL_SECONDS = 7_200
    now = timezone.now()
    assert retention.kept_since(0.01, now=now) == now - timedelta(hours=2)
