"""A card that is gone or misused."""

from __future__ import annotations

from typing import Any

from agents.tools import Proposal, Refusal, ToolContext, support_tool
from agents.verticals.fintech import selectors
from agents.verticals.fintech.models import Card
from agents.verticals.fintech.rules import CARD_DAYS
from agents.verticals.fintech.tools.arguments import CardEnding, LossReason
from agents.verticals.fintech.tools.cards import order_replacement
from agents.verticals.fintech.wording import card, day


async def _prepare_report(ctx: ToolContext, card_ending: str, reason: str = "lost") -> Proposal:
    row = await selectors.get_card(ctx, card_ending)
    await _refuse_if_reported(row)
    if row.kind == Card.Kind.VIRTUAL:
        new = "A new virtual card is ready in the app at once."
    else:
        new = f"A new card comes within {CARD_DAYS} days to your address with us, free of charge."
    why = "" if reason == "lost" else f" Reason: {reason}."
    return Proposal(
        message=(
            f"Block your card {card(card_ending)} at once and for good; this cannot be undone.{why} "
            f"{new}"
        )
    )


@support_tool(effect="write", prepare=_prepare_report)
async def report_lost_card(
    ctx: ToolContext, card_ending: CardEnding, reason: LossReason = "lost"
) -> dict[str, Any]:
    """Block a lost, stolen or misused card at once and for good, and order its replacement.

    It cannot be undone. If the customer only mislaid the card and hopes to find it, use freeze_card.
    """
    row = await selectors.get_card(ctx, card_ending, lock=True)
    await _refuse_if_reported(row)
    row.status = Card.Status.CANCELLED
    row.cancelled_at = ctx.now
    row.frozen_at = None
    row.cancel_reason = reason
    await row.asave(update_fields=["status", "cancelled_at", "frozen_at", "cancel_reason"])
    new = await Card.objects.filter(replaces=row).afirst() or await order_replacement(ctx, row)
    return {
        "card_ending": row.ending,
        "status": row.status,
        "new_card_ending": new.ending,
        "arrives_by": day(new.arrives_on) or None,
        "summary": (
            f"Your card {card(row.ending)} is blocked for good. {_about(new)} Please look through "
            "your latest transactions: if there is one that you did not make, tell me, and I open "
            "a dispute for it."
        ),
    }


def _about(new: Card) -> str:
    if new.status == Card.Status.ORDERED:
        return f"A new card {card(new.ending)} should arrive by {day(new.arrives_on)}."
    return f"Your new card {card(new.ending)} is ready in the app."


async def _refuse_if_reported(row: Card) -> None:
    if row.status != Card.Status.CANCELLED:
        return
    other = await Card.objects.filter(replaces=row).afirst()
    new = "" if other is None else f" {_about(other)}"
    raise Refusal(
        f"Your card {card(row.ending)} has been blocked for good since {day(row.cancelled_at)}; "
        f"nobody can pay with it.{new} If you miss another card, tell me its last four digits."
    )
