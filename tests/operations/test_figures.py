"""What rows say in /metrics, on rows that were made for it."""

from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from conversations import figures as of_conversations
from conversations.database import database_now
from conversations.models import Effect, Run
from conversations.services.runs import recover
from escalation import figures as of_escalations
from escalation.models import Escalation, WebhookDelivery, WebhookEndpoint
from tests import factories

pytestmark = pytest.mark.django_db
TAKEOVERS = "smart_support_lease_takeovers_total"


@pytest.fixture(autouse=True)
def layer_in_memory(settings):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


def read(module, now):
    """Return the figures: (name, *label values) → value."""
    return {
        (sample.name.removeprefix("smart_support_"), *sample.labels.values()): sample.value
        for family in module.collect(now)
        for sample in family.samples
    }


def test_runs_are_counted_and_the_oldest_that_could_go_on_is_found():
    now = database_now()
    busy, idle = factories.make_conversation(), factories.make_conversation()
    factories.make_claim(busy)
    # Behind a running one: it waits, but nobody could work on it.
    factories.make_message(busy, "And that?")
    Run.objects.filter(status="pending").update(ready_at=now - timedelta(seconds=900))
    factories.make_message(idle)
    Run.objects.filter(conversation=idle).update(ready_at=now - timedelta(seconds=40))
    figures = read(of_conversations, now)
    assert figures["runs", "pending"] == 2
    assert figures["runs", "running"] == 1
    assert figures["runs", "waiting"] == 0
    assert figures["queue_oldest_seconds",] == pytest.approx(40)
    assert figures["lapsed_leases",] == 0


def test_a_run_of_a_dead_process_is_seen_and_then_counted():
    claim = factories.make_claim(factories.make_conversation())
    before, now = REGISTRY.get_sample_value(TAKEOVERS), database_now()
    Run.objects.filter(pk=claim.run_id).update(lease_expires_at=now - timedelta(seconds=1))
    assert read(of_conversations, now)["lapsed_leases",] == 1
    recover()
    assert read(of_conversations, now)["lapsed_leases",] == 0
    assert REGISTRY.get_sample_value(TAKEOVERS) == before + 1


def test_approvals_and_effects_are_counted():
    now = database_now()
    claim = factories.make_claim(factories.make_conversation())
    run = Run.objects.get(pk=claim.run_id)
    factories.make_interrupt(run)
    factories.make_interrupt(run, approver="staff", expires_at=now - timedelta(seconds=5))
    done = factories.make_interrupt(run, status="approved")
    Effect.objects.create(
        interrupt=done,
        conversation=run.conversation,
        tool=done.tool,
        args=done.args,
        status="unknown",
        created_at=now,
    )
    figures = read(of_conversations, now)
    assert figures["interrupts_pending", "customer"] == 1
    assert figures["interrupts_pending", "staff"] == 1
    assert figures["interrupts_overdue",] == 1
    assert figures["effects_unknown",] == 1


def make_escalation(now, **values):
    times = dict.fromkeys(("respond_by", "resolve_by", "due_at"), now + timedelta(hours=1))
    return Escalation.objects.create(
        conversation=factories.make_conversation(),
        reason="customer",
        priority="normal",
        **{"created_at": now, **times, **values},
    )


def test_escalations_are_counted():
    now = database_now()
    make_escalation(now, created_at=now - timedelta(seconds=90))
    make_escalation(now, status="assigned", due_at=now - timedelta(seconds=1))
    make_escalation(now, status="resolved", due_at=now - timedelta(days=1))
    figures = read(of_escalations, now)
    assert figures["escalations_waiting",] == 1
    assert figures["escalations_oldest_seconds",] == pytest.approx(90)
    assert figures["escalations_overdue",] == 1


def make_delivery(endpoint, now, **values):
    return WebhookDelivery.objects.create(
        endpoint=endpoint,
        event_type="test",
        body=b"{}",
        **{"next_attempt_at": now, "created_at": now, **values},
    )


def test_webhooks_are_counted():
    now = database_now()
    endpoint = WebhookEndpoint.objects.create(url="https://crm.example/hook", secret="x")
    WebhookEndpoint.objects.create(
        url="https://old.example", secret="x", is_enabled=False, disabled_reason="Gone."
    )
    make_delivery(endpoint, now, next_attempt_at=now - timedelta(seconds=30))
    make_delivery(endpoint, now, next_attempt_at=now + timedelta(seconds=30))  # a retry
    make_delivery(endpoint, now, status="dead")
    make_delivery(endpoint, now, status="dead", dismissed_at=now)
    figures = read(of_escalations, now)
    assert figures["webhooks_due",] == 1
    assert figures["webhooks_oldest_due_seconds",] == pytest.approx(30)
    assert figures["webhooks_dead",] == 1
    assert figures["webhook_endpoints_disabled",] == 1
