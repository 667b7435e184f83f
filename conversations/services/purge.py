"""Purge: what is old enough and over is deleted; of what was changed in the world a receipt is kept."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, Model, OuterRef, QuerySet

from conversations.models import Conversation, Effect, Interrupt, Receipt, Run, Visitor

OpenWork = Callable[[], QuerySet[Any]]
_open_work: list[OpenWork] = []


def keep_while(open_work: OpenWork) -> OpenWork:
    """Keep conversations for which this finds a row, in a model with a `conversation`, however old they are."""
    # Apps get ready again when a test changes which are installed.
    if open_work not in _open_work:
        _open_work.append(open_work)
    return open_work


@keep_while
def unfinished_runs() -> QuerySet[Run]:
    return Run.objects.filter(status__in=Run.UNFINISHED)


@keep_while
def pending_interrupts() -> QuerySet[Interrupt]:
    return Interrupt.objects.filter(status=Interrupt.Status.PENDING)


@keep_while
def unsettled_effects() -> QuerySet[Effect]:
    return Effect.objects.filter(status__in=[Effect.Status.STARTED, Effect.Status.UNKNOWN])


@dataclass(frozen=True)
class Deleted:
    """What a batch came to."""

    conversations: int
    visitors: int


def old(before: datetime) -> QuerySet[Conversation]:
    """Return the conversations in which nothing has happened since then."""
    return Conversation.objects.filter(last_activity_at__lt=before)


def due(before: datetime) -> QuerySet[Conversation]:
    """Return the old conversations in which nothing is open: no run, approval, effect or person is waited for."""
    rows = old(before).filter(wants_person=False)
    rows = rows.exclude(status=Conversation.Status.HANDED_OFF)
    for open_work in _open_work:
        of_it: QuerySet[Model] = open_work().filter(conversation=OuterRef("pk"))
        rows = rows.filter(~Exists(of_it))
    return rows


def list_due(before: datetime, *, limit: int) -> list[uuid.UUID]:
    """Return the oldest conversations to be deleted."""
    rows = due(before).order_by("last_activity_at")
    return list(rows.values_list("pk", flat=True)[:limit])


def delete(ids: Sequence[uuid.UUID], *, before: datetime) -> Deleted:
    """Delete conversations with all their rows, if they are still due; and their visitors, if nothing else is theirs.

    Two at once do no harm: what one has locked the other leaves alone. `before` is that of `due`.
    """
    with transaction.atomic():
        locked = due(before).filter(pk__in=ids).select_for_update(of=("self",), skip_locked=True)
        rows = dict(locked.order_by("pk").values_list("pk", "visitor_id"))
        effects = Effect.objects.filter(conversation__in=list(rows))
        _keep_receipts(effects)
        effects.delete()
        Conversation.objects.filter(pk__in=list(rows)).delete()
        visitors = _delete_silent(Visitor.objects.filter(pk__in=set(rows.values())))
    return Deleted(len(rows), visitors)


def _keep_receipts(effects: QuerySet[Effect]) -> None:
    Receipt.objects.bulk_create(
        _receipt(effect.interrupt, effect) for effect in effects.select_related("interrupt")
    )


def _receipt(interrupt: Interrupt, effect: Effect) -> Receipt:
    return Receipt(
        id=interrupt.pk,
        tool=interrupt.tool,
        digest=interrupt.digest,
        business_key=interrupt.business_key,
        approver=interrupt.approver,
        decided_at=interrupt.decided_at or effect.created_at,
        decided_by=interrupt.decided_by,
        decided_by_user_id=interrupt.decided_by_user_id,
        status=effect.status,
        done_at=effect.created_at,
        settled_at=effect.settled_at,
        settled_by_id=effect.settled_by_id,
    )


def delete_silent_visitors(before: datetime, *, limit: int) -> int:
    """Delete visitors who have opened the chat and never written, or not since they were known. Returns how many."""
    rows = Visitor.objects.filter(customer_id=None, created_at__lt=before)
    silent = rows.filter(~_has_conversations()).order_by("created_at").values_list("pk", flat=True)
    with transaction.atomic():
        return _delete_silent(Visitor.objects.filter(pk__in=list(silent[:limit])))


def _has_conversations() -> Exists:
    return Exists(Conversation.objects.filter(visitor=OuterRef("pk")))


def _delete_silent(visitors: QuerySet[Visitor]) -> int:
    # Locked, so that none begins a conversation in between; whoever is about to is left alone.
    locked = visitors.select_for_update(of=("self",), skip_locked=True)
    ids = list(locked.values_list("pk", flat=True))
    silent = Visitor.objects.filter(~_has_conversations(), pk__in=ids)
    count, _ = silent.delete()
    return count
