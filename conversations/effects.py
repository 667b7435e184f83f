"""The one way to a write: under an approval that a row holds, at most once, in one transaction with the change."""

from __future__ import annotations

import dataclasses
import json
import logging
from typing import Any, cast

from asgiref.sync import async_to_sync
from django.db import DatabaseError, transaction

from agents.context import DecisionStatus, Outcome
from agents.tools import Proposal, Refusal, SupportTool, ToolContext
from conversations.database import database_now, in_long_thread, in_thread
from conversations.models import Effect, Interrupt, Run
from conversations.services.interrupts import digest
from conversations.services.runs import Claim

logger = logging.getLogger(__name__)

MAX_RESULT_BYTES = 4_096
BROKEN = "This did not work because of a fault on our side. Nothing was changed."
NOT_APPROVED = "This was not done: there is no valid approval for it."

OUTCOMES = {
    Effect.Status.DONE: "ok",
    Effect.Status.REFUSED: "error",
    Effect.Status.FAILED: "error",
}


class RowLedger:
    """The graph's `Ledger`, kept in rows, for one run."""

    def __init__(self, claim: Claim, context: ToolContext) -> None:
        self._claim = claim
        self._context = context
        self.find_decisions = in_thread(self._find_decisions)
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
            return async_to_sync(tool.prepare)(self._context, **tool.parse(args))
        except (Refusal, DatabaseError):
            raise
        except Exception as error:
            logger.exception("tool %s: prepare failed", tool.name)
            raise Refusal(BROKEN) from error

    def _read(self, tool: SupportTool, args: dict[str, Any]) -> Outcome:
        if tool.is_write:
            logger.error("tool %s: a write was called as a read", tool.name)
            return Outcome("error", NOT_APPROVED)
        try:
            result = async_to_sync(tool.function)(self._context, **tool.parse(args))
        except Refusal as refusal:
            return Outcome("error", refusal.reason)
        except DatabaseError:
            raise
        except Exception:
            logger.exception("tool %s failed", tool.name)
            return Outcome("error", "This look-up did not work because of a fault on our side.")
        return Outcome("ok", as_text(result))

    def _perform(self, tool: SupportTool, args: dict[str, Any], tool_call_id: str) -> Outcome:
        with transaction.atomic():
            # Before the look-up for an effect: two that perform at once queue here.
            grant = (
                Interrupt.objects.select_for_update(of=("self",))
                .filter(run_id=self._claim.run_id, tool_call_id=tool_call_id)
                .first()
            )
            if grant is None or not self._is_valid(grant, tool, args):
                logger.error("tool %s: refused to write without a valid approval", tool.name)
                return Outcome("error", NOT_APPROVED)
            effect = Effect.objects.filter(interrupt=grant).first()
            if effect is None:
                effect = self._carry_out(grant, tool)
        return Outcome(OUTCOMES[Effect.Status(effect.status)], effect.result)  # type: ignore[arg-type]

    def _is_valid(self, grant: Interrupt, tool: SupportTool, args: dict[str, Any]) -> bool:
        """Return whether this row approves exactly this call, by somebody who may, in time, for a run that we hold."""
        expected_by = Interrupt.By.SYSTEM if grant.approver == "none" else grant.approver
        return (
            grant.status == Interrupt.Status.APPROVED
            and grant.decided_at is not None
            and grant.decided_at < grant.expires_at
            and grant.decided_by == expected_by
            and grant.conversation_id == self._claim.conversation_id
            and grant.tool == tool.name
            and grant.digest == digest(tool.name, args) == digest(grant.tool, grant.args)
            and Run.objects.filter(
                pk=self._claim.run_id, fence=self._claim.fence, status=Run.Status.RUNNING
            ).exists()
        )

    def _carry_out(self, grant: Interrupt, tool: SupportTool) -> Effect:
        """Make the change and its Effect; a change that is refused or fails is rolled back, the Effect stands."""
        context = dataclasses.replace(self._context, idempotency_key=str(grant.pk))
        status, text = Effect.Status.DONE, ""
        try:
            with transaction.atomic():
                text = as_text(async_to_sync(tool.function)(context, **tool.parse(grant.args)))
        except Refusal as refusal:
            status, text = Effect.Status.REFUSED, refusal.reason
        except DatabaseError:
            raise  # the whole transaction is void, and nothing has happened; the run is tried again
        except Exception:
            logger.exception("tool %s failed", tool.name)
            status, text = Effect.Status.FAILED, BROKEN
        return Effect.objects.create(
            interrupt=grant,
            conversation_id=grant.conversation_id,
            tool=tool.name,
            args=grant.args,
            status=status,
            result=text,
            created_at=database_now(),
        )


def as_text(result: Any) -> str:
    """Return a tool's result as JSON for a model, at most 4 kB."""
    text = json.dumps(result, ensure_ascii=False, default=str)
    if len(text.encode()) <= MAX_RESULT_BYTES:
        return text
    # Half, because it is JSON already, and each quote and backslash in it is written as two now.
    cut = text.encode()[: MAX_RESULT_BYTES // 2 - 40].decode(errors="ignore")
    return json.dumps({"cut_short": True, "beginning": cut}, ensure_ascii=False)
