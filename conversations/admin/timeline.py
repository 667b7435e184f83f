"""A conversation as staff read it: its events in order, each with what the rows know beyond the frame."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Sum

from conversations.models import Conversation, Event, Interrupt, Message, Run, Usage
from conversations.templatetags.support_admin import who_decided

MAX_EVENTS = 600


@dataclass
class Said:
    """A message."""

    kind = "said"
    at: datetime
    role: str
    who: str
    content: str
    is_question: bool = False


@dataclass
class Call:
    """A tool call, with the approval it needed and what it did."""

    kind = "call"
    at: datetime
    agent: str
    tool: str
    args: dict[str, Any]
    status: str = ""
    interrupt: Interrupt | None = None


@dataclass
class Note:
    """Something that happened, in one line."""

    kind = "note"
    at: datetime
    icon: str
    text: str
    tone: str = ""


Entry = Said | Call | Note


@dataclass
class Timeline:
    """Entries in order; `is_cut` when the earliest events were left out."""

    entries: list[Entry]
    is_cut: bool


def build_timeline(conversation: Conversation, *, show_all: bool = False) -> Timeline:
    """Return the conversation's timeline, in three queries.

    Args:
        conversation: Whose.
        show_all: Also show what came before the last `MAX_EVENTS` events.
    """
    newest_first = conversation.events.order_by("-seq")
    events = list(newest_first if show_all else newest_first[: MAX_EVENTS + 1])
    is_cut = not show_all and len(events) > MAX_EVENTS
    events = events[:MAX_EVENTS] if is_cut else events
    events.reverse()
    interrupts = conversation.interrupts.select_related("decided_by_user", "effect__settled_by")
    builder = _Builder(str(conversation.visitor), conversation.messages.all(), interrupts)
    for event in events:
        builder.add(event)
    if not is_cut:
        builder.add_what_no_event_names(events)
    return Timeline([entry for _, entry in builder.entries], is_cut)


class _Builder:
    def __init__(
        self, customer: str, messages: Iterable[Message], interrupts: Iterable[Interrupt]
    ) -> None:
        self._customer = customer
        self.entries: list[tuple[int, Entry]] = []
        self._calls: dict[str, Call] = {}
        self._messages = {str(message.id): message for message in messages}
        self._interrupts = {str(interrupt.id): interrupt for interrupt in interrupts}
        self._by_call = {
            interrupt.tool_call_id: interrupt for interrupt in self._interrupts.values()
        }

    def add(self, event: Event) -> None:
        add = getattr(self, f"_add_{event.type}", None)
        if add is not None:
            add(event, event.payload)

    def add_what_no_event_names(self, events: list[Event]) -> None:
        """Show rows that no event announced, such as writes that a policy approved by itself."""
        times = [event.created_at for event in events]
        seqs = [0, *(event.seq for event in events)]
        left: list[Entry] = [self._said(message) for message in self._messages.values()]
        left += [
            self._call_of(interrupt)
            for interrupt in self._interrupts.values()
            if interrupt.tool_call_id not in self._calls
        ]
        for entry in left:
            self.entries.append((seqs[bisect_right(times, entry.at)], entry))
        self.entries.sort(key=lambda item: item[0])

    def _append(self, event: Event, entry: Entry) -> None:
        self.entries.append((event.seq, entry))

    def _said(self, message: Message) -> Said:
        is_customer = message.role == Message.Role.CUSTOMER
        named = self._customer if is_customer else message.author or message.agent
        who = named or message.get_role_display()
        return Said(message.created_at, message.role, who, message.content)

    def _call_of(self, interrupt: Interrupt) -> Call:
        call = Call(
            interrupt.created_at,
            interrupt.agent,
            interrupt.tool,
            interrupt.args,
            interrupt=interrupt,
        )
        self._calls[interrupt.tool_call_id] = call
        return call

    def _add_message_accepted(self, event: Event, payload: dict[str, Any]) -> None:
        self._messages.pop(payload.get("message_id", ""), None)
        said = Said(
            event.created_at, Message.Role.CUSTOMER, self._customer, payload.get("content", "")
        )
        self._append(event, said)

    def _add_message(self, event: Event, payload: dict[str, Any]) -> None:
        self._messages.pop(payload.get("message_id", ""), None)
        role = payload.get("role", Message.Role.AGENT)
        who = payload.get("author") or payload.get("agent") or Message.Role(role).label
        self._append(event, Said(event.created_at, role, who, payload.get("content", "")))

    def _add_clarification(self, event: Event, payload: dict[str, Any]) -> None:
        message = self._messages.pop(payload.get("message_id", ""), None)
        who = (message and message.agent) or "Router"
        said = Said(event.created_at, Message.Role.AGENT, who, payload.get("message", ""))
        said.is_question = True
        self._append(event, said)

    def _add_routing(self, event: Event, payload: dict[str, Any]) -> None:
        agents = ", then ".join(payload.get("agents", []))
        self._append(event, Note(event.created_at, "alt_route", f"Routed to {agents}"))

    def _add_tool_call(self, event: Event, payload: dict[str, Any]) -> None:
        call_id = payload.get("tool_call_id", "")
        if call_id in self._calls:
            return
        interrupt = self._by_call.get(call_id)
        # The row knows also the arguments that no frame shows.
        args = interrupt.args if interrupt else payload.get("args", {})
        call = Call(event.created_at, payload.get("agent", ""), payload.get("tool", ""), args)
        call.interrupt = interrupt
        self._calls[call_id] = call
        self._append(event, call)

    def _add_tool_result(self, event: Event, payload: dict[str, Any]) -> None:
        call = self._calls.get(payload.get("tool_call_id", ""))
        if call is not None:
            call.status = payload.get("status", "")

    def _add_interrupt(self, event: Event, payload: dict[str, Any]) -> None:
        interrupt = self._interrupts.get(payload.get("interrupt_id", ""))
        if interrupt is not None and interrupt.tool_call_id not in self._calls:
            self._append(event, self._call_of(interrupt))

    def _add_interrupt_resolved(self, event: Event, payload: dict[str, Any]) -> None:
        interrupt = self._interrupts.get(payload.get("interrupt_id", ""))
        outcome = payload.get("outcome", "")
        is_decision = outcome in (Interrupt.Status.APPROVED, Interrupt.Status.REJECTED)
        who = f" by {who_decided(interrupt)}" if interrupt and is_decision else ""
        # Its message stands with the call, just above or, in a long talk, a click away.
        what = f": {interrupt.tool}" if interrupt else ""
        icon = "check_circle" if outcome == Interrupt.Status.APPROVED else "cancel"
        self._append(event, Note(event.created_at, icon, f"{outcome.capitalize()}{who}{what}"))

    def _add_handoff(self, event: Event, payload: dict[str, Any]) -> None:
        name = payload.get("agent_name") or "A person"
        texts = {
            "requested": "A person was asked for",
            "assigned": f"{name} took over",
            "released": f"{name} gave it back to the agents",
        }
        text = texts.get(payload.get("status", ""), "Handoff")
        self._append(event, Note(event.created_at, "support_agent", text))

    def _add_feedback(self, event: Event, payload: dict[str, Any]) -> None:
        comment = payload.get("comment")
        text = f"Rated {payload.get('rating')} of 5" + (f": {comment}" if comment else "")
        self._append(event, Note(event.created_at, "star", text))

    def _add_status(self, event: Event, payload: dict[str, Any]) -> None:
        status = payload.get("status", "")
        if status in (Conversation.Status.OPEN, Conversation.Status.WAITING):
            return  # the approval that it waits for stands there itself
        label = dict(Conversation.Status.choices).get(status, status)
        self._append(event, Note(event.created_at, "flag", f"Conversation: {label}"))

    def _add_message_complete(self, event: Event, payload: dict[str, Any]) -> None:
        status = payload.get("status", "")
        is_good = status in (Run.Status.COMPLETED, Run.Status.HANDED_OFF)
        icon, tone = ("done_all", "") if is_good else ("error", "danger")
        self._append(event, Note(event.created_at, icon, f"Run {status.replace('_', ' ')}", tone))


def list_usage(conversation: Conversation) -> Iterable[Mapping[str, Any]]:
    """Return what each agent used of each model: calls, tokens, cost (None when no price is known)."""
    return (
        Usage.objects.filter(run__conversation=conversation)
        .values("agent", "model")
        .annotate(
            total_calls=Sum("calls"),
            total_input=Sum("input_tokens"),
            total_output=Sum("output_tokens"),
            total_cost=Sum("cost_usd"),
        )
        .order_by("agent", "model")
    )
