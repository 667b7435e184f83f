"""What webhooks say: one model for each event type. docs/reference/webhooks.md is made from this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class Part(BaseModel):
    """A part of an event's data. Facts may know more than webhooks say; what is not named here stays inside."""

    model_config = ConfigDict(extra="ignore", use_attribute_docstrings=True)


class ConversationPart(Part):
    """The conversation in which it happened."""

    id: str
    """Its id, a UUID."""
    thread_id: str
    """The name under which the customer's client knows it."""
    template: str
    """The slug of its template."""
    customer_id: str | None = None
    """The customer whom your site has vouched for; null for an unknown visitor."""


class MessagePart(Part):
    id: str
    """Its id, a UUID."""
    role: Literal["customer", "agent", "staff", "system"]
    """Who speaks."""
    content: str
    """What is said; an agent's is Markdown."""
    agent: str | None = None
    """The agent's label, when an agent speaks."""
    author: str | None = None
    """The person's name, when staff speak."""


class InterruptPart(Part):
    id: str
    """Its id, a UUID."""
    tool: str
    """The tool that waits."""
    args: dict[str, Any]
    """Its arguments, less those that the template hides."""
    message: str
    """The sentence that is approved."""
    approver: Literal["customer", "staff"]
    """Who may decide."""
    expires_at: AwareDatetime
    """When it can no longer be approved."""


class ResolvedInterruptPart(Part):
    id: str
    """Its id, a UUID."""
    outcome: Literal["approved", "rejected", "expired", "superseded"]
    """How it ended."""
    by: Literal["customer", "staff", "system"]
    """Who decided."""


class EffectPart(Part):
    id: str
    """Its id, a UUID."""
    tool: str
    """The tool that was called."""
    args: dict[str, Any]
    """Its arguments, complete."""


class EscalationPart(Part):
    id: str
    """Its id."""
    reason: str
    """Why a person is needed, in one word, such as `customer` or `budget`."""
    priority: str
    """How urgent it is."""
    summary: str
    """The story so far, for the person."""
    respond_by: AwareDatetime | None = None
    """When somebody should have answered."""
    resolve_by: AwareDatetime | None = None
    """When it should be settled."""


class AssignedEscalationPart(Part):
    id: str
    """Its id."""
    assignee_id: str
    """The id of the member of staff who has taken over."""
    assignee_name: str
    """That person's name."""


class ResolutionPart(Part):
    escalation_id: str | None = None
    """The escalation that ended with it."""
    resolved_by_id: str
    """The id of the member of staff who closed the conversation."""
    resolved_by_name: str
    """That person's name."""


class RatingPart(Part):
    rating: int = Field(ge=1, le=5)
    """1 to 5, 5 is best."""
    comment: str | None = None
    """What the customer wrote with it."""


class TemplatePart(Part):
    slug: str
    """Its name in addresses and files."""
    name: str
    """Its name for people."""
    version: int
    """The number of the version that new conversations begin with from now on."""
    checksum: str
    """SHA-256 of the version's content."""
    source: str
    """Where the content came from: a file, or `admin`."""


class TestPart(Part):
    __test__: ClassVar[bool] = False  # no test case, whatever pytest thinks of the name

    message: str
    """A sentence that says that this is a test."""


@dataclass(frozen=True)
class EventType:
    """One kind of event.

    Attributes:
        name: Dotted, past tense.
        meaning: When it is sent, as a sentence.
        key: Where in `data` its part stands, beside `conversation`; None when that is all.
        part: What stands there.
        example: That part, as an example.
        of_conversation: Whether `data` has a `conversation`.
    """

    name: str
    meaning: str
    key: str | None
    part: type[Part] | None
    example: Mapping[str, Any]
    of_conversation: bool = True

    def make_data(
        self, values: Mapping[str, Any], conversation: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        """Return `data`, checked against its schema.

        Raises:
            pydantic.ValidationError: The values do not fit.
        """
        data: dict[str, Any] = {}
        if self.of_conversation:
            data["conversation"] = ConversationPart.model_validate(conversation).model_dump()
        if self.key and self.part:
            data[self.key] = self.part.model_validate(values).model_dump(mode="json")
        return data

    def make_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of a whole webhook of this type."""
        parts: dict[str, type[Part]] = {}
        if self.of_conversation:
            parts["conversation"] = ConversationPart
        if self.key and self.part:
            parts[self.key] = self.part
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.name,
            "type": "object",
            "properties": {
                "type": {"const": self.name},
                "timestamp": {"type": "string", "format": "date-time"},
                "data": {
                    "type": "object",
                    "properties": {key: _schema(part) for key, part in parts.items()},
                    "required": list(parts),
                },
            },
            "required": ["type", "timestamp", "data"],
        }

    def make_example(self) -> dict[str, Any]:
        """Return a whole webhook of this type, as an example."""
        return make_event(self, self.example, _CONVERSATION, at=_AT)


def _schema(part: type[Part]) -> dict[str, Any]:
    schema = part.model_json_schema(mode="serialization")
    # For people they stand in the table; "title" only repeats names.
    schema.pop("title", None)
    schema.pop("description", None)
    for value in schema["properties"].values():
        value.pop("title", None)
    return schema


def make_event(
    event_type: EventType,
    values: Mapping[str, Any],
    conversation: Mapping[str, Any] | None,
    *,
    at: datetime,
) -> dict[str, Any]:
    """Return what a webhook says, as JSON values: `type`, `timestamp`, `data`.

    Source: Standard Webhooks, "Payload structure".
    """
    data = event_type.make_data(values, conversation)
    timestamp = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"type": event_type.name, "timestamp": timestamp, "data": data}


_AT = datetime(2026, 11, 22, 14, 5, 9, 312_000, tzinfo=UTC)
_CONVERSATION = {
    "id": "0c8d1c8e-2f0b-4f0e-9d3f-6f3f8e8f5b11",
    "thread_id": "thread-7Jk2",
    "template": "ecommerce",
    "customer_id": "ana",
}
_INTERRUPT = "5f0e7d52-9a43-4d1c-8a0d-0b7c5c9ad001"
_EFFECT = {
    "id": "9b1f3f0a-6a4e-4f5b-8a51-3d2a1f7c2002",
    "tool": "cancel_order",
    "args": {"order_number": "1043"},
}
_ESCALATION = "e2b7c4d1-1f6d-4c55-9f0e-7a1d5c3b4003"

TEST = EventType(
    "endpoint.tested",
    "Somebody pressed “Send test event”. Sent whatever the endpoint subscribes to.",
    "test",
    TestPart,
    {"message": "This is a test from smart-support."},
    of_conversation=False,
)
EVENT_TYPES: dict[str, EventType] = {
    event_type.name: event_type
    for event_type in (
        EventType(
            "conversation.created",
            "A customer has begun a conversation.",
            None,
            None,
            {},
        ),
        EventType(
            "message.created",
            "The customer, an agent, a member of staff or the system has said something.",
            "message",
            MessagePart,
            {
                "id": "3a0c9c5e-0d52-4b0e-8c59-2f2b7e1d6004",
                "role": "customer",
                "content": "Cancel order 1043",
            },
        ),
        EventType(
            "interrupt.created",
            "A write waits for approval.",
            "interrupt",
            InterruptPart,
            {
                "id": _INTERRUPT,
                "tool": "cancel_order",
                "args": {"order_number": "1043"},
                "message": "Cancel order 1043.",
                "approver": "customer",
                "expires_at": "2026-11-22T14:35:09Z",
            },
        ),
        EventType(
            "interrupt.resolved",
            "What waited was approved or rejected, or is no longer to be done.",
            "interrupt",
            ResolvedInterruptPart,
            {"id": _INTERRUPT, "outcome": "approved", "by": "customer"},
        ),
        EventType("effect.done", "A write was done.", "effect", EffectPart, _EFFECT),
        EventType(
            "effect.unknown",
            "Whether a write in a foreign system was done, nobody can tell; staff have to look.",
            "effect",
            EffectPart,
            _EFFECT,
        ),
        EventType(
            "escalation.requested",
            "A person is needed.",
            "escalation",
            EscalationPart,
            {
                "id": _ESCALATION,
                "reason": "customer",
                "priority": "normal",
                "summary": "Ana wants order 1043 cancelled; it has left the warehouse already.",
                "respond_by": "2026-11-22T14:20:09Z",
                "resolve_by": "2026-11-22T18:05:09Z",
            },
        ),
        EventType(
            "escalation.assigned",
            "A member of staff has taken over.",
            "escalation",
            AssignedEscalationPart,
            {"id": _ESCALATION, "assignee_id": "4", "assignee_name": "Sam"},
        ),
        EventType(
            "conversation.resolved",
            "Staff have closed the conversation.",
            "resolution",
            ResolutionPart,
            {"escalation_id": _ESCALATION, "resolved_by_id": "4", "resolved_by_name": "Sam"},
        ),
        EventType(
            "csat.received",
            "The customer has rated the conversation.",
            "csat",
            RatingPart,
            {"rating": 5, "comment": "Quick and kind."},
        ),
        EventType(
            "template.published",
            "A template has a new current version.",
            "template",
            TemplatePart,
            {
                "slug": "ecommerce",
                "name": "Harbor Outfitters",
                "version": 7,
                "checksum": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                "source": "agents.verticals.ecommerce/template.yaml",
            },
            of_conversation=False,
        ),
    )
}
