"""The one way to a write: under an approval that a row holds, at most once, in one transaction with the change."""

from __future__ import annotations

import dataclasses
import json
import logging
import time
import traceback
from pathlib import Path
from typing import Any, cast

from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import DatabaseError, close_old_connections, transaction

from agents import fault_points
from agents.context import DecisionStatus, Outcome, Status
from agents.tools import Proposal, Refusal, SupportTool, ToolContext
from conversations.database import in_long_thread, in_thread, read_only
from conversations.errors import FenceLost
from conversations.models import Effect, Interrupt
from conversations.services import effects
from conversations.services.effects import Grant
from conversations.services.interrupts import is_in_force
from conversations.services.runs import Claim

logger = logging.getLogger(__name__)

MAX_RESULT_BYTES = 4_096
BROKEN = "This did not work because of a fault on our side. Nothing was changed."
NOT_APPROVED = "This was not done: there is no valid approval for it."

UNKNOWN = "Nobody knows whether this was done. A colleague will check."
# Between the tries of a call that a foreign system knows by its key.
OUTSIDE_WAITS_SECONDS = (0.5, 1.0)

OUTCOMES: dict[Effect.Status, Status] = {
    Effect.Status.DONE: "ok",
    Effect.Status.REFUSED: "error",
    Effect.Status.FAILED: "error",
    Effect.Status.UNKNOWN: "unknown",
}


class RowLedger:
    """The graph's `Ledger`, kept in rows, for one run."""

    def __init__(self, claim: Claim, context: ToolContext) -> None:
        self._claim = claim
        self._context = context
        self.find_decisions = in_thread(self._find_decisions)
        self.is_in_force = in_thread(is_in_force)
        self.prepare = in_long_thread(self._prepare)
        self.read = in_long_thread(self._read)
        self.perform = in_long_thread(self._perform)

    def _find_decisions(self, tool_call_ids: list[str]) -> dict[str, DecisionStatus]:
        if not tool_call_ids:
            return {}
        rows = Interrupt.objects.filter(run_id=self._claim.run_id, tool_call_id__in=tool_call_ids)
        return {row.tool_call_id: cast(DecisionStatus, row.status) for row in rows}

    def _prepare(self, tool: SupportTool, args: dict[str, Any]) -> Proposal:
        if tool.prepare is None:
            what = tool.description.splitlines()[0].rstrip(".")
            return Proposal(message=f"{what}.")
        try:
            with read_only():
                return async_to_sync(tool.prepare)(self._context, **tool.parse(args))
        except (Refusal, DatabaseError):
            raise
        except Exception as error:
            logger.error("tool %s: prepare failed: %s", tool.name, place_of(error))
            raise Refusal(BROKEN) from error

    def _read(self, tool: SupportTool, args: dict[str, Any]) -> Outcome:
        if tool.is_write:
            logger.error("tool %s: a write was called as a read", tool.name)
            return Outcome("error", NOT_APPROVED)
        try:
            with read_only():
                result = async_to_sync(tool.function)(self._context, **tool.parse(args))
        except Refusal as refusal:
            return Outcome("error", refusal.reason)
        except DatabaseError:
            raise
        except Exception as error:
            logger.error("tool %s failed: %s", tool.name, place_of(error))
            return Outcome("error", "This look-up did not work because of a fault on our side.")
        return Outcome("ok", as_text(result))

    def _perform(self, tool: SupportTool, args: dict[str, Any], tool_call_id: str) -> Outcome:
        if tool.external:
            return self._perform_outside(tool, args, tool_call_id)
        fault_points.reach("perform.before_grant")
        with transaction.atomic():
            grant = effects.find_grant(self._claim, tool.name, args, tool_call_id)
            if grant is None:
                return self._not_approved(tool)
            fault_points.reach("perform.after_grant")
            effect = grant.effect or self._carry_out(grant, tool)
            fault_points.reach("perform.before_commit")
        fault_points.reach("perform.after_commit")
        return _outcome(effect)

    def _not_approved(self, tool: SupportTool) -> Outcome:
        logger.error("tool %s: refused to write without a valid approval", tool.name)
        return Outcome("error", NOT_APPROVED)

    def _carry_out(self, grant: Grant, tool: SupportTool) -> Effect:
        """Make the change and its Effect; a change that is refused or fails is rolled back, the Effect stands."""
        status, text = Effect.Status.DONE, ""
        try:
            with transaction.atomic():
                text = self._call(tool, grant.interrupt)
                fault_points.reach("perform.after_change")
        except Refusal as refusal:
            status, text = Effect.Status.REFUSED, refusal.reason
        except DatabaseError:
            raise  # the whole transaction is void, and nothing has happened; the run is tried again
        except Exception as error:
            logger.error("tool %s failed: %s", tool.name, place_of(error))
            status, text = Effect.Status.FAILED, BROKEN
        return effects.record(grant, status, text, fence=self._claim.fence)

    def _call(self, tool: SupportTool, row: Interrupt) -> str:
        context = dataclasses.replace(self._context, idempotency_key=str(row.pk))
        return as_text(async_to_sync(tool.function)(context, **tool.parse(row.args)))

    # --- foreign systems: the intention is committed, then the call is made, then its outcome is committed ---

    def _perform_outside(
        self, tool: SupportTool, args: dict[str, Any], tool_call_id: str
    ) -> Outcome:
        started_at = time.monotonic()
        with transaction.atomic():
            grant = effects.find_grant(self._claim, tool.name, args, tool_call_id)
            if grant is None:
                return self._not_approved(tool)
            effect, is_to_be_called = self._intend(grant, tool)
            fault_points.reach("outside.before_intent")
        fault_points.reach("outside.after_intent")
        if not is_to_be_called:
            return _outcome(effect)
        close_old_connections()  # none is held while somebody else is waited for
        if time.monotonic() - started_at > settings.LEASE_SECONDS:
            # This process has slept; another may have told the customer by now that nobody knows.
            raise FenceLost(str(self._claim.run_id))
        fault_points.reach("outside.before_call")
        status, text = self._call_outside(tool, grant.interrupt)
        fault_points.reach("outside.after_call")
        effects.conclude(effect, status, text)
        fault_points.reach("outside.after_outcome")
        return _outcome(effect)

    def _intend(self, grant: Grant, tool: SupportTool) -> tuple[Effect, bool]:
        """Return the grant's effect, and whether this process is to make the call."""
        fence = self._claim.fence
        effect = grant.effect
        if effect is None:
            return effects.record(grant, Effect.Status.STARTED, "", fence=fence), True
        if effect.status != Effect.Status.STARTED:
            return effect, False
        # An earlier process has died between its intention and the outcome.
        if tool.external == "idempotent":
            effects.take_up(effect, fence=fence)
            return effect, True
        effects.conclude(effect, Effect.Status.UNKNOWN, "")
        return effect, False

    def _call_outside(self, tool: SupportTool, row: Interrupt) -> tuple[str, str]:
        waits = OUTSIDE_WAITS_SECONDS if tool.external == "idempotent" else ()
        for wait in (*waits, None):
            try:
                return Effect.Status.DONE, self._call(tool, row)
            except Refusal as refusal:
                return Effect.Status.REFUSED, refusal.reason
            except Exception as error:
                logger.error("tool %s: the call did not end: %s", tool.name, place_of(error))
            if wait is not None:
                time.sleep(wait)
        return Effect.Status.UNKNOWN, ""


def place_of(error: Exception) -> str:
    """Return the kind of a fault and where it was raised. Not its text, which may quote a key or a customer."""
    at = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {at.name}, line {at.lineno} of {Path(at.filename).name}"


def _outcome(effect: Effect) -> Outcome:
    text = effect.result or UNKNOWN
    return Outcome(OUTCOMES[Effect.Status(effect.status)], text)


def as_text(result: Any) -> str:
    """Return a tool's result as JSON for a model, at most 4 kB."""
    text = json.dumps(result, ensure_ascii=False, default=str)
    if len(text.encode()) <= MAX_RESULT_BYTES:
        return text
    # Half, because it is JSON already, and each quote and backslash in it is written as two now.
    cut = text.encode()[: MAX_RESULT_BYTES // 2 - 40].decode(errors="ignore")
    return json.dumps({"cut_short": True, "beginning": cut}, ensure_ascii=False)
