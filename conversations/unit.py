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
from functools import partial
from typing import Any, TypeVar

from django.db import connection, models, transaction

from agents.models import TemplateVersion
from conversations.database import CLOCK_SQL, database_now, read_clock
from conversations.models import Checkpoint, Conversation, Event, Message, Run, Usage, Visitor
from conversations.rows import Of, Statement, change, execute, insertion, read, selection, which

T = TypeVar("T")

# A process that is stopped in a transaction holds the locks of all that are gathered in it. SQLite has no such limit.
LIMIT = Statement("SET LOCAL idle_in_transaction_session_timeout = '10s'", (), lambda _rows: None)
CLOCK = Statement(CLOCK_SQL, (), read_clock)
PATIENT = "FOR UPDATE"
# Always in the same order: two that lock the same ones never wait for each other.
IMPATIENT = "ORDER BY id FOR UPDATE SKIP LOCKED"
UNFINISHED = f"AND status IN {tuple(map(str, Run.UNFINISHED))} ORDER BY position"
# In the order in which one needs the other.
TABLES: tuple[type[models.Model], ...] = (Conversation, Run, Message, Event, Usage, Checkpoint)
# A conversation has one checkpoint: the last.
REPLACING: dict[type[models.Model], str] = {
    Checkpoint: "ON CONFLICT (conversation_id) DO UPDATE SET content = EXCLUDED.content"
}
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


# Question → the statement that answers it, together with the locks.
_along: dict[Callable[[], Any], Statement[Any]] = {}


def ask_along(question: Callable[[], T], statement: Statement[T]) -> None:
    """Have what nearly every transaction asks `once` asked with its locks: on PostgreSQL a round trip less."""
    _along[question] = statement


def _questions(column: str, values: Sequence[Any], lock: str) -> list[Statement[Any]]:
    """Lock conversations; read with them their unfinished runs, and by a thread what a claim says of it."""
    theirs = partial(Of, Conversation, column=column, values=values)
    also = lock if connection.vendor == "postgresql" else ""
    asked: list[Statement[Any]] = [
        selection(Conversation, column, values, also=also),
        selection(Run, "conversation", theirs("id"), also=UNFINISHED),
    ]
    if column == "thread_id":
        asked.append(selection(TemplateVersion, "pk", theirs("version"), defer=("spec",)))
        asked.append(selection(Visitor, "pk", theirs("visitor")))
        asked.append(selection(Checkpoint, "conversation", theirs("id")))
    return asked


class Unit:
    """The locked conversations of a transaction, and the rows that it will write.

    Attributes:
        is_gathered: Whether it is done for several, of whom each is done alone when it fails.
    """

    def __init__(self) -> None:
        self.is_gathered = False
        self._held: dict[uuid.UUID, Conversation] = {}
        self._absent: set[str] = set()
        self._unfinished: dict[uuid.UUID, list[Run]] = {}
        self._checkpoints: dict[uuid.UUID, Checkpoint | None] = {}
        self._now: datetime | None = None
        self._new: dict[type[models.Model], list[models.Model]] = {model: [] for model in TABLES}
        self._changed: dict[tuple[type[models.Model], tuple[str, ...]], dict[Any, models.Model]]
        self._changed = {}
        self._answers: dict[Any, Any] = {}

    # --- reading ---

    def hold(self, keys: Collection[uuid.UUID | str]) -> set[uuid.UUID | str]:
        """Lock many conversations by their ids or threads, and read what a turn asks of them.

        What another transaction has locked is left to it: to wait for one would keep all the others waiting.

        Returns:
            The keys of those that are held now, and the threads that nobody has begun.
        """
        self.is_gathered = True
        ids = [key for key in keys if isinstance(key, uuid.UUID)]
        threads = [key for key in keys if isinstance(key, str)]
        asked = _questions("id", ids, IMPATIENT) if ids else []
        if threads:
            asked += _questions("thread_id", threads, IMPATIENT)
            asked.append(which(Conversation, "thread_id", threads))
        answers = self._ask(asked)
        found: list[Conversation] = []
        if ids:
            found += self._keep(answers.pop(0), answers.pop(0))
        if threads:
            *theirs, begun = answers
            found += self._keep(*theirs)
            self._absent = set(threads) - begun
        return {c.pk for c in found} | {c.thread_id for c in found} | self._absent

    def _hold(self, column: str, values: Sequence[Any]) -> list[Conversation]:
        return self._keep(*self._ask(_questions(column, values, PATIENT)))

    def _ask(self, statements: Sequence[Statement[Any]]) -> list[Any]:
        self._now = None
        if connection.vendor != "postgresql":
            return execute(*statements)
        answers = execute(*_along.values(), LIMIT, *statements, CLOCK)
        self._now = answers.pop()
        for question in _along:
            self._answers[question, ()] = answers.pop(0)
        return answers[1:]

    def _keep(
        self,
        found: list[Conversation],
        runs: list[Run],
        versions: Sequence[TemplateVersion] = (),
        visitors: Sequence[Visitor] = (),
        checkpoints: Sequence[Checkpoint] = (),
    ) -> list[Conversation]:
        self._held.update({c.pk: c for c in found})
        self._unfinished.update({c.pk: [] for c in found})
        for run in runs:
            if run.conversation_id in self._held:
                self._unfinished[run.conversation_id].append(run)
        if versions:  # and all else that is asked for by a thread
            version_of = {version.pk: version for version in versions}
            visitor_of = {visitor.pk: visitor for visitor in visitors}
            checkpoint_of = {row.conversation_id: row for row in checkpoints}
            for conversation in found:
                conversation.version = version_of[conversation.version_id]
                conversation.visitor = visitor_of[conversation.visitor_id]
                self._checkpoints[conversation.pk] = checkpoint_of.get(conversation.pk)
        return found

    def lock(self, conversation_id: uuid.UUID) -> Conversation:
        """Return a conversation, locked. Raises Conversation.DoesNotExist."""
        if conversation_id not in self._held:
            self._hold("id", [conversation_id])
        if conversation_id not in self._held:
            raise Conversation.DoesNotExist
        return self._held[conversation_id]

    def find_thread(self, thread_id: str) -> Conversation | None:
        """Return the thread's conversation, locked, with its version and its visitor."""
        found = [c for c in self._held.values() if c.thread_id == thread_id]
        if not found and thread_id not in self._absent:
            found = self._hold("thread_id", [thread_id])
        return found[0] if found else None

    def hold_new(self, conversation: Conversation) -> Conversation:
        """Take a conversation that this transaction has made."""
        conversation.visitor = read(Visitor, "id", [conversation.visitor_id])[0]
        self._held[conversation.pk] = conversation
        self._absent.discard(conversation.thread_id)
        self._unfinished[conversation.pk] = []
        self._checkpoints[conversation.pk] = None
        return conversation

    def unfinished(self, conversation: Conversation) -> list[Run]:
        """Return a locked conversation's runs that are not at their end, the oldest first."""
        runs = self._unfinished[conversation.pk]
        return [run for run in runs if run.status in Run.UNFINISHED]

    def checkpoint(self, conversation: Conversation) -> bytes | None:
        """Return where a locked conversation's graph stands; None where there is none yet."""
        if conversation.pk not in self._checkpoints:
            found = read(Checkpoint, "conversation", [conversation.pk])
            self._checkpoints[conversation.pk] = found[0] if found else None
        row = self._checkpoints[conversation.pk]
        return bytes(row.content) if row else None

    def now(self) -> datetime:
        """Return the database's time, once the last lock was there."""
        if self._now is None:
            self._now = database_now()
        return self._now

    def once(self, question: Callable[..., T], *args: Any) -> T:
        """Return the answer to a question that this transaction asks the database no more than once."""
        key = (question, args)
        if key not in self._answers:
            self._answers[key] = question(*args)
        answer: T = self._answers[key]
        return answer

    # --- writing ---

    def add(self, *rows: models.Model) -> None:
        """Have new rows written."""
        for row in rows:
            self._new[type(row)].append(row)
            if isinstance(row, Run):
                self._unfinished[row.conversation_id].append(row)
            elif isinstance(row, Checkpoint):
                self._checkpoints[row.conversation_id] = row

    def change(self, row: models.Model, names: tuple[str, ...] = CONVERSATION_FIELDS) -> None:
        """Have these fields written, as they are in the end."""
        if row in self._new[type(row)]:
            return  # it will be written whole
        self._changed.setdefault((type(row), names), {})[row.pk] = row

    def flush(self) -> None:
        """Write what is there by now."""
        # What ends before what begins: a conversation has one active run.
        changes = [change(list(rows.values()), names) for (_, names), rows in self._changed.items()]
        insertions = [
            insertion(rows, also=REPLACING.get(model, ""))
            for model, rows in self._new.items()
            if rows
        ]
        self._changed, self._new = {}, {model: [] for model in TABLES}
        if changes or insertions:
            execute(*changes, *insertions)


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
