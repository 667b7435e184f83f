"""One run from message to reply: claimed, driven through the graph, finished.

Runs are asyncio tasks of their own, one at a time for each conversation; the socket that brought the message may go.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass, field

from django.conf import settings
from django.db import DatabaseError

from agents import fault_points, tracing
from agents.context import RunContext
from agents.engine import Engine, TurnEnd, find_engine, get_engine
from agents.errors import ModelFailed
from agents.tools import ToolContext
from conversations.database import in_long_thread, in_thread
from conversations.effects import RowLedger
from conversations.errors import FenceLost, InternalError
from conversations.gathering import gathered
from conversations.live import hub
from conversations.services import messages
from conversations.services import runs as run_services
from conversations.services.messages import Accepted
from conversations.services.runs import Claim
from conversations.telemetry import observe_turn
from conversations.voice import RunVoice

logger = logging.getLogger(__name__)

_receive_message = gathered(messages.receive_message, lambda *, thread_id, **_: thread_id)
_claim_next = in_thread(run_services.claim_next)
_pause = in_thread(run_services.pause)
_finish = gathered(run_services.finish, lambda claim, *_: claim.conversation_id)
_fail = in_thread(run_services.fail)
_release = in_thread(run_services.release)
_try_again = in_thread(run_services.try_again)
_extend_leases = in_thread(run_services.extend_leases)


@dataclass(frozen=True)
class Stop:
    """How to stop a run that this process works on, and the fence under which it does."""

    fence: int
    asked: asyncio.Event = field(default_factory=asyncio.Event)


Stops = dict[uuid.UUID, Stop]


@dataclass
class _Drive:
    """The work on one conversation in this process."""

    claim: Claim | None
    is_wanted_again: bool = False
    stops: Stops = field(default_factory=dict)
    task: asyncio.Task[None] = field(init=False)


_drives: dict[tuple[asyncio.AbstractEventLoop, uuid.UUID], _Drive] = {}
_heartbeats: dict[asyncio.AbstractEventLoop, asyncio.Task[None]] = {}
_is_closing = False


async def receive_message(
    *,
    visitor_id: uuid.UUID,
    thread_id: str,
    content: str,
    template: str,
    client_message_id: str | None = None,
) -> Accepted:
    """Store a customer's message, and take up the run that answers it. As `messages.receive_message`."""

    async def receive() -> Accepted:
        accepted = await _receive_message(
            visitor_id=visitor_id,
            thread_id=thread_id,
            content=content,
            template=template,
            client_message_id=client_message_id,
            takes_up=not _is_closing,
        )
        if wake(accepted.conversation_id, accepted.claim) is None and accepted.claim is not None:
            await _release(accepted.claim)
        return accepted

    # A socket that goes in between does not take the run with it.
    return await asyncio.shield(hub.spawn(receive()))


def wake(conversation_id: uuid.UUID, claim: Claim | None = None) -> asyncio.Task[None] | None:
    """See to it that this loop works through the conversation's pending runs.

    Args:
        conversation_id: The conversation.
        claim: The first of them, when it is claimed already.
    """
    if _is_closing:
        return None
    loop = asyncio.get_running_loop()
    key = (loop, conversation_id)
    drive = _drives.get(key)
    if drive is not None:
        drive.is_wanted_again = True
        drive.claim = drive.claim or claim
        return drive.task
    drive = _drives[key] = _Drive(claim)
    drive.task = loop.create_task(_drive(key))
    heartbeat = _heartbeats.get(loop)
    if heartbeat is None or heartbeat.done():
        # In a context of its own: it belongs to no conversation, and its log lines must not name one.
        _heartbeats[loop] = loop.create_task(_beat(loop), context=Context())
    return drive.task


async def _drive(key: tuple[asyncio.AbstractEventLoop, uuid.UUID]) -> None:
    drive = _drives[key]
    try:
        while not _is_closing:
            # Between the look that finds nothing more and the end of this task nothing is awaited, so that no wake is
            # lost.
            drive.is_wanted_again = False
            claim, drive.claim = drive.claim, None
            claim = claim or await _claim_next(key[1])
            may_have_more = claim is not None and await execute_run(claim, drive.stops)
            if not may_have_more and not drive.is_wanted_again:
                return
    except Exception:
        logger.exception("the work on a conversation broke off; a sweep takes it up")
    finally:
        del _drives[key]
        if drive.claim is not None:
            hub.spawn(_release(drive.claim))


async def _beat(loop: asyncio.AbstractEventLoop) -> None:
    """Extend the leases of this loop's runs while there are any, and hear of stops asked for elsewhere."""
    while any(at is loop for at, _ in _drives):
        await asyncio.sleep(settings.LEASE_SECONDS / 3)
        stops = {run: stop for d in list(_drives.values()) for run, stop in d.stops.items()}
        try:
            for run_id in await _extend_leases({run: stop.fence for run, stop in stops.items()}):
                stops[run_id].asked.set()
        except Exception:
            logger.exception("leases could not be extended; trying again")


def stop(conversation_id: uuid.UUID) -> None:
    """Stop what this process generates for a conversation."""
    for (_, key), drive in list(_drives.items()):
        if key == conversation_id:
            for one in drive.stops.values():
                one.asked.set()


async def close(*, grace_seconds: float) -> None:
    """Claim no more runs, let the running ones end within the grace, and give back the rest."""
    global _is_closing
    _is_closing = True
    loop = asyncio.get_running_loop()
    tasks = [drive.task for (at, _), drive in _drives.items() if at is loop]
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=grace_seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


async def execute_run(claim: Claim, stops: Stops) -> bool:
    """Take a claimed run to its end, or to a pause. Never raises, but for cancellation.

    Returns:
        Whether there may be another run to claim.
    """
    with observe_turn(
        run_id=str(claim.run_id),
        conversation_id=str(claim.conversation_id),
        thread_id=claim.thread_id,
    ):
        return await _execute(claim, stops)


async def _execute(claim: Claim, stops: Stops) -> bool:
    stops[claim.run_id] = held = Stop(claim.fence)
    voice: RunVoice | None = None
    try:
        async with asyncio.timeout(settings.RUN_TIMEOUT_SECONDS):
            voice, ctx = await _prepare(claim, held.asked)
            tracing.name_agent(ctx.template.spec.slug)
            return await _follow(claim, voice, ctx)
    except FenceLost:
        logger.warning("run %s was taken over by another process", claim.run_id)
    except asyncio.CancelledError:
        with suppress(Exception):
            await _release(claim)
        raise
    except DatabaseError as error:
        logger.warning("run %s: database: %s; trying again", claim.run_id, type(error).__name__)
        with suppress(DatabaseError, FenceLost):
            await _try_again(claim, "database")
    except ModelFailed as error:
        # One line and no traceback: it is no fault of ours, and what the provider said may quote the customer.
        level = logging.DEBUG if error.is_reported else logging.ERROR
        logger.log(level, "run %s failed: %s: %s", claim.run_id, error.code, error)
        await _give_up(claim, voice, error.code)
    except Exception as error:
        logger.exception("run %s failed", claim.run_id)
        await _give_up(claim, voice, getattr(error, "code", "internal_error"))
    finally:
        if voice is not None:
            voice.silence()
        del stops[claim.run_id]
    return True


async def _prepare(claim: Claim, stop_event: asyncio.Event) -> tuple[RunVoice, RunContext]:
    # Late, because it imports LangChain (FACTS: 7 s of CPU).
    from agents.compiled import find_compiled, get_compiled
    from agents.saver import KeptCheckpoint

    template = find_compiled(claim.version) or await in_long_thread(get_compiled)(claim.version)
    spec = template.spec
    customer_id = claim.visitor.customer_id
    if customer_id is None and settings.DEMO_MODE and not settings.IDENTITY_SECRET:
        customer_id = spec.demo_customer
    context = ToolContext(
        customer_id=customer_id,
        thread_id=claim.thread_id,
        run_id=str(claim.run_id),
        now=claim.claimed_at,
    )
    checkpoint = KeptCheckpoint(claim.checkpoint)
    voice = RunVoice(claim, spec, checkpoint)
    return voice, RunContext(
        template=template,
        tool_context=context,
        ledger=RowLedger(claim, context),
        voice=voice,
        meter=voice,
        checkpoint=checkpoint,
        customer_name=claim.visitor.name,
        language=claim.visitor.locale or spec.languages[0],
        stop=stop_event,
    )


async def _follow(claim: Claim, voice: RunVoice, ctx: RunContext) -> bool:
    engine = find_engine() or await in_long_thread(get_engine)()
    end = await _begin(claim, engine, voice, ctx)
    fault_points.reach("stream.ended")
    await voice.settle()
    while end.waiting:
        if not await _pause(claim, voice.take(), end.waiting):
            return False
        fault_points.reach("graph.before_resume")
        end = await engine.resume(ctx)
        fault_points.reach("stream.ended")
    return await _finish(claim, voice.take(), end.outcome, end.handoff)


async def _begin(claim: Claim, engine: Engine, voice: RunVoice, ctx: RunContext) -> TurnEnd:
    """Resume the graph at its pause, or start it: what a dead process did of it since then was never stored."""
    if claim.is_paused and claim.checkpoint is not None:
        voice.begin_after(engine.count_said(ctx, str(claim.run_id)))
        fault_points.reach("graph.before_resume")
        return await engine.resume(ctx)
    voice.begin_after(0)
    fault_points.reach("graph.before_start")
    return await engine.start(ctx, str(claim.run_id), claim.text, claim.heard)


async def _give_up(claim: Claim, voice: RunVoice | None, code: str) -> None:
    tracing.fail(code)
    progress = run_services.Progress()
    if voice is not None:
        with suppress(Exception):  # it was the same trouble, or it shows again at once
            await voice.settle()
        voice.break_off()
        progress = voice.take()
    try:
        await _fail(claim, progress, code)
    except (DatabaseError, FenceLost):
        logger.warning("run %s could not be marked as failed; a sweep takes it up", claim.run_id)
        return
    error = InternalError()
    hub.pass_on(
        claim.conversation_id,
        {
            "type": "error",
            "code": error.code,
            "message": str(error),
            "thread_id": claim.thread_id,
        },
    )
