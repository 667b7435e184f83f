"""What the graph and the tools see of the run they serve: this, and nothing else of the conversation."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from agents.spec import Approver
from agents.tools import Proposal, SupportTool, ToolContext

if TYPE_CHECKING:
    from agents.compiled import CompiledTemplate
    from agents.saver import KeptCheckpoint

Status = Literal["ok", "error", "rejected", "expired", "superseded", "unknown"]
DecisionStatus = Literal["pending", "approved", "rejected", "expired", "superseded"]


@dataclass(frozen=True)
class Outcome:
    """How a tool call ended. `content` is data for the model: JSON or a sentence, at most 4 kB."""

    status: Status
    content: str


@dataclass(frozen=True)
class ProposedWrite:
    """A write that waits at `review`; plain data, because it travels in a checkpoint.

    Attributes:
        measure: The number that the policy's limits looked at, as text; "" where there are none.
        key: What must not be in force twice.
    """

    tool_call_id: str
    agent: str
    tool: str
    args: dict[str, Any]
    message: str
    approver: Approver
    measure: str = ""
    key: str | None = None


@dataclass(frozen=True)
class Heard:
    """Something said while a person had the conversation; agents get to know it with the next message.

    Attributes:
        id: The message's, so that it is taken in once.
        text: What was said.
        staff: Who said it for the company; None for the customer.
    """

    id: str
    text: str
    staff: str | None = None


@dataclass(frozen=True)
class Handoff:
    """Why an agent asks for a person, in the model's words."""

    reason: str
    summary: str


class Ledger(Protocol):
    """What only rows can tell: may this write happen, and did it already?"""

    async def find_decisions(self, tool_call_ids: list[str]) -> dict[str, DecisionStatus]:
        """Return what was decided about each call that has been proposed before."""
        ...

    async def prepare(self, tool: SupportTool, args: dict[str, Any]) -> Proposal:
        """Run the tool's `prepare`; raises Refusal."""
        ...

    async def is_in_force(self, key: str) -> bool:
        """Return whether a write with this key waits or is under way; in a foreign system also whether it was done."""
        ...

    async def read(self, tool: SupportTool, args: dict[str, Any]) -> Outcome:
        """Run a read."""
        ...

    async def perform(self, tool: SupportTool, args: dict[str, Any], tool_call_id: str) -> Outcome:
        """Run an approved write, at most once, under its approval. Without one: an error, and no change."""
        ...


class Voice(Protocol):
    """What a run lets the outside hear. Only what an agent says to the customer passes through here."""

    def say(self, agent: str, text: str) -> None:
        """Pass on a piece of the answer."""
        ...

    async def finish_message(self, agent: str, text: str, *, role: str = "agent") -> None:
        """Pass on the whole of what `say` gave in pieces."""
        ...

    async def clarify(self, text: str) -> None: ...

    async def announce_plan(self, agents: list[str]) -> None: ...

    async def announce_call(
        self, agent: str, tool: str, args: dict[str, Any], call_id: str
    ) -> None: ...

    async def announce_result(self, tool: str, call_id: str, status: Status) -> None: ...


class Meter(Protocol):
    """What staff get to know of the models: tokens, and how one fell short although the run goes on."""

    def add(self, agent: str, model: str, usage: dict[str, Any] | None) -> None: ...

    def note_fault(self, code: str) -> None: ...


@dataclass(frozen=True)
class RunContext:
    """One run. It is passed at every start and resume, and never stored.

    Attributes:
        checkpoint: Where the graph goes on, and where it says how far it has come; its caller stores that.
    """

    template: CompiledTemplate
    tool_context: ToolContext
    ledger: Ledger
    voice: Voice
    meter: Meter
    checkpoint: KeptCheckpoint
    customer_name: str = ""
    language: str = "en"
    stop: asyncio.Event = field(default_factory=asyncio.Event)
