"""What a run lets the outside hear: text at once, facts as rows first."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any

from agents import tracing
from agents.context import Status
from agents.spec import ROUTER, TemplateSpec
from conversations.events import PlanMade, ToolCalled, ToolEnded
from conversations.gathering import gathered
from conversations.live import encode, hub
from conversations.services import runs as run_services
from conversations.services.interrupts import show
from conversations.services.runs import Claim, Progress, Spoken, Tally
from conversations.telemetry import FirstText

if TYPE_CHECKING:
    from agents.saver import KeptCheckpoint

COALESCE_SECONDS = 0.015
RELAY_SECONDS = 0.2

_record = gathered(run_services.record, lambda claim, progress: claim.conversation_id)


class RunVoice:
    """The graph's `Voice` and `Meter` for one claimed run.

    A message's id follows from the run and its place in it, so that a run which is repeated after a crash does not say
    anew what it had stored.
    """

    def __init__(self, claim: Claim, spec: TemplateSpec, checkpoint: KeptCheckpoint) -> None:
        self.progress = Progress()
        self._checkpoint = checkpoint
        self._claim = claim
        self._spec = spec
        self._place = claim.said
        self._skip = 0
        self._buffer: list[str] = []
        self._relayed: list[str] = []
        self._agent = ""
        self._said: list[str] = []
        self._first_text = FirstText()
        self._storing: asyncio.Future[None] | None = None
        self._flush_timer: asyncio.TimerHandle | None = None
        self._relay_timer: asyncio.TimerHandle | None = None

    def begin_after(self, said: int) -> None:
        """Start after so many messages; those after them that are stored are neither sent nor stored again."""
        self._place, self._skip = said, max(0, self._claim.said - said)

    def take(self) -> Progress:
        """Return all that the next transaction has to store."""
        progress = self.progress.take()
        progress.checkpoint = self._checkpoint.take()
        return progress

    # --- text ---

    def _message_id(self) -> uuid.UUID:
        return uuid.uuid5(self._claim.run_id, str(self._place))

    def say(self, agent: str, text: str) -> None:
        """Send the first piece of a message at once, and what comes after it in batches."""
        if self._skip:
            return
        self._agent = agent
        self._said.append(text)
        self._buffer.append(text)
        if self._flush_timer is None and self._storing is None:
            self._begin_flushing()

    def _begin_flushing(self) -> None:
        self._flush()
        self._first_text.note()
        loop = asyncio.get_running_loop()
        self._flush_timer = loop.call_later(COALESCE_SECONDS, self._flush_again)

    def _flush_again(self) -> None:
        self._flush_timer = None
        if self._buffer:
            self._flush()
            loop = asyncio.get_running_loop()
            self._flush_timer = loop.call_later(COALESCE_SECONDS, self._flush_again)

    def _flush(self) -> None:
        if not self._buffer:
            return
        text = "".join(self._buffer)
        self._buffer.clear()
        hub.pass_on(self._claim.conversation_id, self._token(text))
        self._relayed.append(text)
        if self._relay_timer is None:
            loop = asyncio.get_running_loop()
            self._relay_timer = loop.call_later(RELAY_SECONDS, self._relay)

    def _relay(self) -> None:
        self._relay_timer = None
        if self._relayed:
            hub.relay(self._claim.conversation_id, encode(self._token("".join(self._relayed))))
            self._relayed.clear()

    def _token(self, text: str) -> dict[str, Any]:
        return {
            "type": "token",
            "thread_id": self._claim.thread_id,
            "agent": self._agent,
            "content": text,
            "message_id": str(self._message_id()),
        }

    def silence(self) -> None:
        """Send what is buffered and stop the timers."""
        if self._storing is None:
            self._flush()
        self._buffer.clear()
        for timer in (self._flush_timer, self._relay_timer):
            if timer is not None:
                timer.cancel()
        self._flush_timer = self._relay_timer = None
        self._relayed.clear()  # the whole message follows

    async def finish_message(self, agent: str, text: str, *, role: str = "agent") -> None:
        await self.settle()
        self._spoken(Spoken(self._message_id(), agent, text, role))

    def break_off(self) -> None:
        """Keep what was said of an unfinished message: the customer has seen it."""
        text = "".join(self._said)
        if text.strip():
            self._spoken(Spoken(self._message_id(), self._agent, text))

    async def clarify(self, text: str) -> None:
        self._spoken(Spoken(self._message_id(), ROUTER, text, is_question=True))

    def _spoken(self, message: Spoken) -> None:
        self.silence()
        self._said.clear()
        if self._skip:
            self._skip -= 1
        else:
            # Stored with the next fact, or with the end of the run: one transaction less.
            self.progress.items.append(message)
        self._place += 1

    # --- facts ---

    async def announce_plan(self, agents: list[str]) -> None:
        """Have the plan stored while the first agent's model is asked; no text is shown before it is."""
        self.progress.items.append(PlanMade(agents))
        storing = _record(self._claim, self.progress.take_items())
        self._storing = asyncio.ensure_future(storing)
        self._storing.add_done_callback(self._plan_is_stored)

    def _plan_is_stored(self, storing: asyncio.Future[None]) -> None:
        is_stored = not storing.cancelled() and storing.exception() is None
        if is_stored and self._storing is storing:
            self._storing = None
            if self._buffer:
                self._begin_flushing()

    async def settle(self) -> None:
        """Wait until what is under way is stored; raises what was in the way."""
        storing = self._storing
        if storing is not None:
            await storing
            self._plan_is_stored(storing)  # its callback may be a moment behind

    async def announce_call(
        self, agent: str, tool: str, args: dict[str, Any], call_id: str
    ) -> None:
        self.progress.items.append(ToolCalled(agent, tool, show(self._spec, tool, args), call_id))
        await self._store()

    async def announce_result(self, tool: str, call_id: str, status: Status) -> None:
        self.progress.items.append(ToolEnded(tool, call_id, status))
        await self._store()

    async def _store(self) -> None:
        await self.settle()
        await _record(self._claim, self.progress.take_items())

    # --- usage ---

    def add(self, agent: str, model: str, usage: dict[str, Any] | None) -> None:
        """Count a model call; `usage` is LangChain's usage_metadata."""
        tally = self.progress.usage.setdefault((agent, model), Tally())
        tally.calls += 1
        tracing.add_usage(usage)
        if usage:
            tally.input_tokens += usage.get("input_tokens") or 0
            tally.output_tokens += usage.get("output_tokens") or 0
            details = usage.get("input_token_details") or {}
            tally.cached_tokens += details.get("cache_read") or 0

    def note_fault(self, code: str) -> None:
        """Keep for staff how a model fell short although the run goes on."""
        self.progress.error_code = code
