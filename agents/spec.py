"""A template's content: one pydantic spec for YAML files and for admin."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

HUMAN = "human"
ROUTER = "router"
# Who wrote in the agents' place, in their history.
STAFF = "staff"
PLACEHOLDERS = ("company", "customer_name", "language", "today", "tone")

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
IntentName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_?+-]{1,80}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=20_000, strip_whitespace=True)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]
Approver = Literal["none", "customer", "staff"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Interval = Annotated[
    str,
    StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$"),
]

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


def render(text: str, values: dict[str, Any]) -> str:
    """Return `text` with each {name} that `values` knows replaced, and everything else as it was.

    One pass, so that a value that looks like a placeholder stays as it is. Neither `str.format` nor Jinja: both let
    a template's author reach into Python objects.
    """
    return _PLACEHOLDER.sub(
        lambda match: str(values[match[1]]) if match[1] in values else match[0], text
    )


def placeholders(text: str) -> set[str]:
    """Return the names that stand in braces in `text`."""
    return set(_PLACEHOLDER.findall(text))


class Spec(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Limits(Spec):
    """Who may approve, by the size of one measure: "customer up to 10, staff up to 30, never above".

    The first of `none`, `customer`, `staff` whose number is at least the measure approves; above all of
    them nobody may.
    """

    measure: Name
    none: Decimal | None = Field(None, ge=0)
    customer: Decimal | None = Field(None, ge=0)
    staff: Decimal | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _ascend(self) -> Limits:
        numbers = [n for n in (self.none, self.customer, self.staff) if n is not None]
        if not numbers:
            raise ValueError("give at least one of none, customer, staff")
        if numbers != sorted(numbers):
            raise ValueError("the limits must ascend: none, then customer, then staff")
        return self

    def approver_for(self, measure: Decimal) -> Approver | None:
        """Return who approves a write of this size, or None when nobody may."""
        # Below zero is below every limit, and no smaller for it.
        if not measure.is_finite() or measure < 0:
            return None
        for approver in ("none", "customer", "staff"):
            bound = getattr(self, approver)
            if bound is not None and measure <= bound:
                return approver
        return None


class Lookup(Spec):
    """Where the offline model finds an argument that the customer did not name: in the result of a read.

    Attributes:
        tool: A read tool of the same agent, called without arguments.
        items: The key of its result that holds a list of objects.
        field: The key of such an object that is the argument's value.
        where: Key → the values with which an object fits. One fitting object is taken; of several the
            customer is asked.
        label: How one object is named in that question; {name} stands for a key of it.
    """

    tool: Name
    items: Name
    field: Name
    where: dict[Name, list[str]] = {}
    label: Line


class ToolUse(Spec):
    """A tool in an agent's hands.

    Attributes:
        name: A tool of the registry.
        approver: Who approves a write, whatever its size; the customer where neither this nor `limits` says
            otherwise. A read has none.
        limits: Who approves, by size.
        doing: What the customer reads while it works: "Looking up your order".
        hidden: Arguments that no frame shows.
        ask: Argument → the question that asks the customer for it.
        find: Argument → where to look it up first.
        reply: What the offline model says after success; {name} stands for a field of the tool's result.
    """

    name: Name
    approver: Approver | None = None
    limits: Limits | None = None
    doing: Line | None = None
    hidden: list[Name] = []
    ask: dict[Name, Line] = {}
    find: dict[Name, Lookup] = {}
    reply: Text | None = None

    @model_validator(mode="after")
    def _one_policy(self) -> ToolUse:
        if self.approver is not None and self.limits is not None:
            raise ValueError("give approver or limits, not both: limits alone say who approves")
        return self

    def approver_for(self, measure: Decimal | None) -> Approver | None:
        """Return who approves a write of this size, or None when nobody may.

        It fails closed: with limits, a write whose measure is not known is nobody's to approve.
        """
        if self.limits is None:
            return self.approver or "customer"
        return None if measure is None else self.limits.approver_for(measure)


class IntentSpec(Spec):
    """Something customers want.

    Attributes:
        examples: Utterances: the offline model learns from them, a real one gets some as few-shot examples.
        tool: The tool of the same agent that serves it.
        reply: What the offline model answers when no tool serves it.
    """

    name: IntentName
    description: Line | None = None
    examples: list[Line] = Field(min_length=1, max_length=200)
    tool: Name | None = None
    reply: Text | None = None


class AgentSpec(Spec):
    """One specialist. `description` is what the router reads.

    Attributes:
        priority: Of several agents in one plan the higher acts first; equal ones in the customer's order.
    """

    name: Name
    label: Line
    description: Line
    priority: int = Field(0, ge=-100, le=100)
    prompt: Text
    model: Line | None = None
    tools: list[ToolUse] = []
    intents: list[IntentSpec] = []
    suggested_questions: list[Line] = []

    @field_validator("name")
    @classmethod
    def _not_reserved(cls, value: str) -> str:
        if value in (HUMAN, ROUTER, STAFF):
            raise ValueError(
                f"{value!r} is reserved; describe the destination for people under `human:`"
            )
        return value

    @field_validator("prompt")
    @classmethod
    def _known_placeholders(cls, value: str) -> str:
        unknown = sorted(placeholders(value) - set(PLACEHOLDERS))
        if unknown:
            raise ValueError(
                f"unknown placeholder {{{unknown[0]}}}; known ones are "
                + ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            )
        return value

    def find_use(self, tool: str) -> ToolUse | None:
        """Return how this agent uses a tool."""
        return next((use for use in self.tools if use.name == tool), None)

    @model_validator(mode="after")
    def _consistent(self) -> AgentSpec:
        _refuse_twins("tool", [tool.name for tool in self.tools])
        _refuse_twins("intent", [intent.name for intent in self.intents])
        known = [tool.name for tool in self.tools]
        for intent in self.intents:
            if intent.tool is not None and intent.tool not in known:
                raise ValueError(
                    f"intent {intent.name!r} names the tool {intent.tool!r}, which this agent does not have; "
                    f"its tools are {', '.join(known) or 'none'}"
                )
        return self


class HumanSpec(Spec):
    """The destination "a person"."""

    description: Line = "The customer wants a person, complains, or needs what no agent can do."
    intents: list[IntentSpec] = []
    reply: Text = (
        "I have marked this conversation for our team, and a person will read it and answer here."
    )


class ConfirmWords(Spec):
    """Whole messages that answer a pending interrupt, case-folded."""

    yes: list[Line] = [
        "yes",
        "y",
        "yes please",
        "ok",
        "okay",
        "confirm",
        "approve",
        "go ahead",
        "do it",
    ]
    no: list[Line] = ["no", "n", "no thanks", "cancel", "decline", "stop", "don't", "do not"]

    @model_validator(mode="after")
    def _disjoint(self) -> ConfirmWords:
        both = {w.casefold() for w in self.yes} & {w.casefold() for w in self.no}
        if both:
            raise ValueError(f"{sorted(both)[0]!r} means both yes and no")
        return self


class Texts(Spec):
    """What the platform itself says to a customer."""

    clarify: Text = (
        "I want to be sure that I understand you. Could you say a little more about what you need?"
    )
    out_of_scope: Text = "I am afraid that I cannot help with that. I can help with: {topics}."
    hello: Text = "Hello! How can I help you today?"
    thanks: Text = "You are welcome. Is there anything else that I can help with?"
    abuse: Text = (
        "I am sorry that this is frustrating. Tell me what went wrong, and I will do what I can."
    )
    not_understood: Text = "I am sorry, I did not understand that. Could you put it in other words?"
    declined: Text = "All right, I have not done it. Nothing was changed."
    superseded: Text = "All right, I have left that undone."
    expired: Text = (
        "This was not done, because nobody approved it in time. Nothing was changed. "
        "If you still want it, just ask me again."
    )
    failed: Text = (
        "I am sorry, something went wrong on our side and I could not finish your request. "
        "Please try again in a moment."
    )
    cut_short: Text = (
        "This answer became too long and ends here. Ask me to go on, and I will tell you the rest."
    )
    cannot_answer: Text = (
        "I am sorry, I cannot answer that. You can put it in other words, or ask for a person."
    )
    several_wait: Text = (
        "Several things wait for your approval. Please answer each with its own buttons."
    )
    person_comes: Text = "I have asked our team. Somebody will answer you here."
    person_later: Text = (
        "Our team is not there at the moment. They are back {opens}, and will answer you here."
    )
    resolved: Text = "Our team has closed this conversation. How satisfied were you, from 1 to 5?"
    waits_for_staff: Text = "A colleague has to approve this first. You will hear about it here."
    unknown: Text = (
        "I could not find out whether this was done: the other system did not answer. "
        "A colleague will check, and tell you here. Please do not ask for it again until then."
    )
    was_done: Text = "A colleague has checked, and it was done: {what}"
    was_not_done: Text = (
        "A colleague has checked, and it was not done: {what} "
        "If you still want it, just ask me again."
    )


class Target(Spec):
    """How soon people act, in minutes of business time.

    Attributes:
        respond_minutes: Until a person's first word to the customer.
        resolve_minutes: Until it is settled.
    """

    respond_minutes: int = Field(ge=1, le=525_600)
    resolve_minutes: int = Field(ge=1, le=525_600)

    @model_validator(mode="after")
    def _ascend(self) -> Target:
        if self.resolve_minutes < self.respond_minutes:
            raise ValueError("resolve_minutes must be at least respond_minutes")
        return self


class Targets(Spec):
    """The targets of each priority. What a request for a person is about decides its priority."""

    urgent: Target = Target(respond_minutes=15, resolve_minutes=240)
    high: Target = Target(respond_minutes=30, resolve_minutes=480)
    normal: Target = Target(respond_minutes=60, resolve_minutes=1_440)
    low: Target = Target(respond_minutes=240, resolve_minutes=2_880)


class SupportSpec(Spec):
    """When people answer, and how soon.

    Attributes:
        time_zone: In which `hours` and `holidays` are meant, such as "Europe/Berlin".
        hours: Day → intervals, in order: {mon: ["09:00-12:30", "13:30-18:00"]}. A day that is not named is closed.
            Without `hours` people are always there. 24:00 ends a day.
        holidays: Dates on which nobody is there: "2026-12-25".
        targets: How soon people act, by priority.
    """

    time_zone: Line = "UTC"
    hours: dict[Day, list[Interval]] | None = None
    holidays: list[date] = []
    targets: Targets = Targets()

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(
                "unknown time zone; right would be a name such as Europe/Berlin"
            ) from None
        return value

    @field_validator("hours")
    @classmethod
    def _ordered(cls, value: dict[Day, list[Interval]] | None) -> dict[Day, list[Interval]] | None:
        if value is None:
            return None
        if not any(value.values()):
            raise ValueError(
                "no day has an interval; leave `hours` out where people are always there"
            )
        for day, intervals in value.items():
            bounds = [bound for interval in intervals for bound in interval.split("-")]
            if bounds != sorted(set(bounds)):
                raise ValueError(
                    f"the intervals of {day} must ascend and not touch: {', '.join(intervals)}"
                )
        return value


class Budget(Spec):
    """What one conversation may cost before it goes to people."""

    tokens: int | None = Field(None, ge=1)
    cost_usd: Decimal | None = Field(None, gt=0)


class TemplateSpec(Spec):
    """A whole template. See docs/reference/template.md.

    Attributes:
        slug: Its name in addresses.
        vertical: The label of the app whose tools it uses; of a file, the app that it lies in.
        demo_customer: Who an anonymous visitor is in demo mode.
        model: The agents' model, where an agent names none; else LLM_MODEL.
        router_model: The router's; by default `model`.
        fallback_model: Asked once, for router and agents, after another model has failed; else LLM_FALLBACK_MODEL.
    """

    slug: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
    name: Line
    tagline: Line | None = None
    greeting: Text
    tone: Line = "friendly, short and exact"
    languages: list[Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")]] = ["en"]
    vertical: Name | Literal[""] = ""
    demo_customer: Line | None = None
    model: Line | None = None
    router_model: Line | None = None
    fallback_model: Line | None = None
    budget: Budget = Budget()
    confirm_words: ConfirmWords = ConfirmWords()
    texts: Texts = Texts()
    agents: list[AgentSpec] = Field(min_length=1, max_length=30)
    human: HumanSpec = HumanSpec()
    support: SupportSpec = SupportSpec()

    @model_validator(mode="after")
    def _consistent(self) -> TemplateSpec:
        _refuse_twins("agent", [agent.name for agent in self.agents])
        intents = [i.name for agent in self.agents for i in agent.intents]
        _refuse_twins("intent", intents + [i.name for i in self.human.intents])
        return self

    def agent(self, name: str) -> AgentSpec:
        """Return the agent of that name; KeyError when there is none."""
        for agent in self.agents:
            if agent.name == name:
                return agent
        raise KeyError(name)

    @property
    def agent_names(self) -> list[str]:
        """The names that a plan may use, in the template's order, with the destination for people last."""
        return [agent.name for agent in self.agents] + [HUMAN]


def _refuse_twins(kind: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two {kind}s are named {name!r}; a name is used once")
