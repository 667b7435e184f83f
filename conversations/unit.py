"""A unit of work: what one transaction reads first and writes last, of one conversation or of many.

Its rows are written when it ends, each table's in one statement. Whoever wants to read them from the database before
flushes it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, TypeVar

from django.db import connection, models, transaction

from agents.models import TemplateVersion
from conversations.database import database_now
from conversations.models import Conversation, Event, Message, Run, Usage, Visitor
from conversations.rows import insert, read, update

T = TypeVar("T")

# In the order in which one needs the other.
TABLES: tuple[type[models.Model], ...] = (Run, Message, Event, Usage)
CONVERSATION_FIELDS = (
    "status",
    "wants_person",
    "people_spoke_at",
    "last_seq",
    "last_activity_at",
    "input_tokens",
    "output_tokens",
    "cost_usd",
)


class Unit:
    """The locked conversations of a transaction, and the rows that it will write."""

    def __init__(self) -> None:
        self._held: dict[uuid.UUID, Conversation] = {}
        self._unfinished: dict[uuid.UUID, list[Run]] = {}
        self._now: datetime | None = None
        self._new: dict[type[models.Model], list[models.Model]] = {model: [] for model in TABLES}
        self._changed: dict[tuple[type[models.Model], tuple[str, ...]], dict[Any, models.Model]]
        self._changed = {}
        self._answers: dict[Callable[[], Any], Any] = {}

    # --- reading ---

    def hold(self, keys: Collection[uuid.UUID | str]) -> set[uuid.UUID | str]:
        """Lock many conversations by their ids or threads, and read what a turn asks of them.

        What another transaction has locked is left to it: to wait for one would keep all the others waiting.

        Returns:
            The keys of those that are held now.
        """
        ids = [key for key in keys if isinstance(key, uuid.UUID)]
        threads = [key for key in keys if isinstance(key, str)]
        found: list[Conversation] = []
        if ids:
            found += self._read("id", ids, is_patient=False)
        if threads:
            found += self._read("thread_id", threads, is_patient=False)
        self._held.update({c.pk: c for c in found})
        self._find_unfinished(found)
        self._find_people([c for c in found if c.thread_id in threads])
        return {c.pk for c in found} | {c.thread_id for c in found}

    def _read(
        self, column: str, values: Sequence[Any], *, is_patient: bool = True
    ) -> list[Conversation]:
        lock = ""
        if connection.vendor == "postgresql":
            # Always in the same order: two that lock the same ones never wait for each other.
            lock = "FOR UPDATE" if is_patient else "ORDER BY id FOR UPDATE SKIP LOCKED"
        return read(Conversation, column, values, also=lock)

    def _find_unfinished(self, found: Sequence[Conversation]) -> None:
        if found:
            self._unfinished.update({c.pk: [] for c in found})
            for run in _read_unfinished([c.pk for c in found]):
                self._unfinished[run.conversation_id].append(run)

    def _find_people(self, found: Sequence[Conversation]) -> None:
        """Read what a claim says of a conversation: its version and its visitor."""
        if found:
            versions = _by_id(TemplateVersion, {c.version_id for c in found}, defer=("spec",))
            visitors = _by_id(Visitor, {c.visitor_id for c in found})
            for conversation in found:
                conversation.version = versions[conversation.version_id]
                conversation.visitor = visitors[conversation.visitor_id]

    def lock(self, conversation_id: uuid.UUID) -> Conversation:
        """Return a conversation, locked. Raises Conversation.DoesNotExist."""
        if conversation_id not in self._held:
            self._hold_one(self._read("id", [conversation_id]))
        if conversation_id not in self._held:
            raise Conversation.DoesNotExist
        return self._held[conversation_id]

    def find_thread(self, thread_id: str) -> Conversation | None:
        """Return the thread's conversation, locked, with its version and its visitor."""
        found = [c for c in self._held.values() if c.thread_id == thread_id]
        if not found:
            found = self._read("thread_id", [thread_id])
            self._hold_one(found)
            self._find_people(found)
        return found[0] if found else None

    def _hold_one(self, found: Sequence[Conversation]) -> None:
        self._held.update({c.pk: c for c in found})
        self._find_unfinished(found)

    def hold_new(self, conversation: Conversation) -> Conversation:
        """Take a conversation that this transaction has made."""
        conversation.visitor = read(Visitor, "id", [conversation.visitor_id])[0]
        self._held[conversation.pk] = conversation
        self._unfinished[conversation.pk] = []
        return conversation

    def unfinished(self, conversation: Conversation) -> list[Run]:
        """Return a locked conversation's runs that are not at their end, the oldest first."""
        runs = self._unfinished[conversation.pk]
        return [run for run in runs if run.status in Run.UNFINISHED]

    def now(self) -> datetime:
        """Return the database's time, once the locks are there; the same throughout."""
        if self._now is None:
            self._now = database_now()
        return self._now

    def once(self, question: Callable[[], T]) -> T:
        """Return the answer to a question that this transaction asks the database no more than once."""
        if question not in self._answers:
            self._answers[question] = question()
        answer: T = self._answers[question]
        return answer

    # --- writing ---

    def add(self, *rows: models.Model) -> None:
        """Have new rows written."""
        for row in rows:
            self._new[type(row)].append(row)
            if isinstance(row, Run):
                self._unfinished[row.conversation_id].append(row)

    def change(self, row: models.Model, names: tuple[str, ...] = CONVERSATION_FIELDS) -> None:
        """Have these fields written, as they are in the end."""
        self._changed.setdefault((type(row), names), {})[row.pk] = row

    def flush(self) -> None:
        """Write what is there by now."""
        # What ends before what begins: a conversation has one active run.
        changed, self._changed = self._changed, {}
        for (_, names), by_id in changed.items():
            update(list(by_id.values()), names)
        for model, rows in self._new.items():
            if rows:
                insert(rows)
                self._new[model] = []


def _by_id(
    model: type[Any], ids: Collection[Any], *, defer: tuple[str, ...] = ()
) -> dict[Any, Any]:
    return {row.pk: row for row in read(model, "pk", list(ids), defer=defer)}


def _read_unfinished(conversation_ids: Sequence[uuid.UUID]) -> list[Run]:
    among = ", ".join(f"'{status}'" for status in Run.UNFINISHED)
    also = f"AND status IN ({among}) ORDER BY position"
    return read(Run, "conversation", conversation_ids, also=also)


_current: ContextVar[Unit | None] = ContextVar("unit of work", default=None)


@contextmanager
def unit_of_work() -> Iterator[Unit]:
    """Give this transaction's unit; within another one, that one."""
    outer = _current.get()
    if outer is not None:
        yield outer
        return
    with transaction.atomic():
        unit = Unit()
        token = _current.set(unit)
        try:
            yield unit
            unit.flush()
        finally:
            _current.reset(token)


@contextmanager
def written_at_once() -> Iterator[Unit]:
    """Give this transaction's unit; without one, one whose rows are written here and now."""
    outer = _current.get()
    unit = outer or Unit()
    yield unit
    if outer is None:
        unit.flush()


def flush() -> None:
    """Write what this transaction has kept back, so that it can be read."""
    unit = _current.get()
    if unit is not None:
        unit.flush()
