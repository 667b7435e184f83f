"""However much there is, hot queries and sweeps look at what they are about: the database's own plans say so."""

import re
import uuid
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from conversations.admin import readonly
from conversations.models import Conversation, Effect, Event, Interrupt, Message, Run, Visitor
from conversations.selectors import list_events
from conversations.services import interrupts, purge
from conversations.services import runs as run_services
from escalation import selectors
from escalation.models import Escalation, WebhookDelivery
from escalation.services import attempts, endpoints, summaries
from tests import factories

MANY = 600  # of each kind of row, all of them over
FEW = 60  # rows that a hot query may look at
PAGE = 400  # rows for a page of fifty with what belongs to them
BIG = (Visitor, Conversation, Run, Message, Interrupt, Effect, Event, Escalation, WebhookDelivery)


def fill():
    now, version = timezone.now() - timedelta(days=2), factories.make_version()
    visitors = Visitor.objects.bulk_create(Visitor(name=f"Visitor {n}") for n in range(MANY))
    conversations = Conversation.objects.bulk_create(
        Conversation(
            thread_id=f"old-{n}",
            visitor=visitor,
            version=version,
            status="expired",
            last_activity_at=now + timedelta(seconds=n),
        )
        for n, visitor in enumerate(visitors)
    )
    runs = Run.objects.bulk_create(
        Run(
            conversation=c,
            position=1,
            status="completed",
            created_at=c.last_activity_at,
            ready_at=now,
            finished_at=now,
        )
        for c in conversations
    )
    owned = [
        {"conversation": run.conversation, "run": run, "created_at": run.created_at} for run in runs
    ]
    Message.objects.bulk_create(Message(role="customer", content="Hello", **own) for own in owned)
    Event.objects.bulk_create(Event(seq=1, type="message", payload={}, **own) for own in owned)
    approvals = Interrupt.objects.bulk_create(
        Interrupt(
            agent="orders",
            tool="cancel_order",
            tool_call_id="call",
            args={},
            digest="0",
            message="Cancel it.",
            approver="customer",
            status="approved",
            decided_at=now,
            decided_by="customer",
            expires_at=now,
            **own,
        )
        for own in owned
    )
    Effect.objects.bulk_create(
        Effect(
            interrupt=row,
            conversation=row.conversation,
            tool=row.tool,
            args={},
            status="done",
            created_at=row.created_at,
        )
        for row in approvals
    )
    due = {"respond_by": now, "resolve_by": now, "due_at": now}
    Escalation.objects.bulk_create(
        Escalation(reason="customer", priority="normal", status="resolved", **own, **due)
        for own in owned
    )
    endpoint, _ = endpoints.create_endpoint(
        url="https://crm.example/", event_types=["message.created"]
    )
    WebhookDelivery.objects.bulk_create(
        WebhookDelivery(
            endpoint=endpoint,
            conversation=c,
            event_type="message.created",
            body=b"{}",
            status="delivered",
            next_attempt_at=now,
            created_at=c.last_activity_at,
        )
        for c in conversations
    )


class Plans:
    """Looks at the plan of each statement before it is executed, and keeps those that look at too much."""

    def __init__(self, at_most):
        self.at_most = at_most
        self.seen = 0
        self.too_wide = []
        self._is_asking = False

    def __call__(self, execute, sql, params, many, context):
        if not self._is_asking and not many and re.match("SELECT|UPDATE|DELETE", sql):
            self._is_asking = True
            try:
                self._look(sql, params)
            finally:
                self._is_asking = False
        return execute(sql, params, many, context)

    def _look(self, sql, params):
        self.seen += 1
        wide = self._postgres(sql, params) if is_postgres() else self._sqlite(sql, params)
        if wide:
            self.too_wide.append((wide, sql))

    def _postgres(self, sql, params):
        with connection.connection.transaction(force_rollback=True), connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
            [plan] = cursor.fetchone()[0]
        rows = sum(map(looked_at, nodes(plan["Plan"])))
        return f"{rows:.0f} rows" if rows > self.at_most else ""

    def _sqlite(self, sql, params):
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
            steps = [row[3] for row in cursor.fetchall()]
        # With an index it is a partial one, which holds what is due, or one that gives the order, and is left early.
        scans = {f"SCAN {model._meta.db_table}" for model in BIG}
        return ", ".join(step for step in steps if step in scans)


def is_postgres():
    return connection.vendor == "postgresql"


def nodes(plan):
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def looked_at(node):
    """Return how many rows a scan has read, kept and thrown away."""
    if "Relation Name" not in node:
        return 0
    thrown = sum(node.get(f"Rows Removed by {why}", 0) for why in ("Filter", "Index Recheck"))
    return (node["Actual Rows"] + thrown) * node["Actual Loops"]


@contextmanager
def looking_at(at_most):
    plans = Plans(at_most)
    with connection.execute_wrapper(plans):
        yield
    assert plans.seen
    assert plans.too_wide == []


@pytest.fixture
def full(transactional_db, settings):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    fill()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        if is_postgres():
            # Six hundred rows are read at once as fast as by an index; a million are not.
            cursor.execute("SET enable_seqscan = off")
    yield
    if is_postgres():
        connection.close()


def long_ago():
    return timezone.now() - timedelta(days=3650)


SWEEPS = {
    "expire interrupts": interrupts.expire_due,
    "recover runs": run_services.recover,
    "recover webhooks": attempts.recover_lapsed,
    "find due endpoints": lambda: selectors.list_due_endpoints(timezone.now()),
    "summarise": summaries.claim_unsummarised,
    "purge conversations": lambda: purge.list_due(long_ago(), limit=200),
    "purge visitors": lambda: purge.delete_silent_visitors(long_ago(), limit=200),
}


def test_a_message_is_accepted_claimed_answered_and_replayed(full):
    conversation = factories.make_conversation(version=Conversation.objects.first().version)
    with looking_at(FEW):
        factories.make_message(conversation, client_message_id="1")
        factories.make_message(conversation, client_message_id="1")
        claim = run_services.claim_next(conversation.pk)
        progress = run_services.Progress([run_services.Spoken(uuid.uuid4(), "orders", "It comes.")])
        run_services.finish(claim, progress, "completed")
        assert len(list_events(conversation.pk, 0)) == 3


def test_sweeps_look_only_at_what_is_due(full):
    due = factories.make_conversation(version=Conversation.objects.first().version)
    interrupt = factories.make_interrupt(
        Run.objects.get(pk=factories.make_claim(due).run_id), expires_at=timezone.now()
    )
    for name, sweep in SWEEPS.items():
        with looking_at(FEW):
            assert sweep() is not False, name
    interrupt.refresh_from_db()
    assert interrupt.status == "expired"


def test_a_batch_of_the_purge_looks_at_its_own_rows(full):
    before = timezone.now()
    ids = purge.list_due(before, limit=5)
    with looking_at(FEW):
        assert purge.delete(ids, before=before).conversations == 5


LISTS = {
    "index": "",
    "escalations": reverse("admin:escalation_escalation_changelist"),
    "conversations": reverse("admin:conversations_conversation_changelist"),
    "search": reverse("admin:conversations_conversation_changelist") + "?q=old-17",
    "interrupts": reverse("admin:conversations_interrupt_changelist"),
    "effects": reverse("admin:conversations_effect_changelist"),
    "runs": reverse("admin:conversations_run_changelist"),
    "visitors": reverse("admin:conversations_visitor_changelist"),
    "deliveries": reverse("admin:escalation_webhookdelivery_changelist"),
}


@pytest.mark.postgres  # on SQLite, for beginnings, some counts read a table
def test_lists_look_at_one_page(full, client, monkeypatch):
    monkeypatch.setattr(readonly, "MAX_COUNTED", 100)
    monkeypatch.setattr("conversations.selectors.RECENT", 20)
    client.force_login(User.objects.create_superuser("root", password="x"))
    too_wide = {}
    for name, path in LISTS.items():
        # Of names and addresses a part is looked for: visitors are read for it, and nothing else is.
        plans = Plans(PAGE + MANY if name == "search" else PAGE)
        with connection.execute_wrapper(plans):
            assert client.get(path or reverse("admin:index")).status_code == 200
        too_wide[name] = plans.too_wide
    assert not any(too_wide.values()), too_wide
