"""Looking at cards, freezing and replacing them."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from agents.tools import Proposal, Refusal, ToolContext, support_tool
from agents.verticals.fintech import selectors
from agents.verticals.fintech.models import Card
from agents.verticals.fintech.rules import CARD_DAYS
from agents.verticals.fintech.tools.arguments import CardEnding, ReplacementReason
from agents.verticals.fintech.wording import bullets, card, day

LISTED = 12
VALID_YEARS = 4


@support_tool(effect="read")
async def list_cards(ctx: ToolContext) -> dict[str, Any]:
    """List the customer's cards: last four digits, kind, state, end of validity.

    Use it when the customer does not say which card they mean.
    """
    account = await selectors.get_account(ctx)
    rows = account.customer.cards.order_by("status", "ending")
    in_use = [row async for row in rows.exclude(status=Card.Status.CANCELLED)[:LISTED]]
    ended = [row async for row in rows.filter(status=Card.Status.CANCELLED)[:LISTED]]
    cards = [*in_use, *ended][:LISTED]
    lines = [
        f"**{card(row.ending)}** ({row.scheme}, {row.kind}): {_state(row)}, "
        f"valid until {row.expires_on:%m/%Y}"
        for row in cards
    ]
    return {
        "cards": [_as_row(row) for row in cards],
        "count": len(cards),
        "summary": bullets(lines) if lines else "You have no cards yet. You order one in the app.",
    }


@support_tool(effect="read")
async def check_card(ctx: ToolContext, card_ending: CardEnding) -> dict[str, Any]:
    """Look up one card: its state, why a payment with it may fail, and what helps."""
    row = await selectors.get_card(ctx, card_ending)
    return {**_as_row(row), "summary": f"{_situation(ctx, row)} {_remedy(ctx, row)}".strip()}


@support_tool(effect="read")
async def track_card(ctx: ToolContext) -> dict[str, Any]:
    """Tell where cards are that have been ordered and have not been activated yet."""
    account = await selectors.get_account(ctx)
    rows = account.customer.cards.filter(status=Card.Status.ORDERED).order_by("-ordered_at")
    cards = [row async for row in rows[:LISTED]]
    lines = [_situation(ctx, row) for row in cards]
    return {
        "cards": [_as_row(row) for row in cards],
        "summary": " ".join(lines)
        or (
            "There is no card on its way to you at the moment. You order one in the app; it takes "
            f"up to {CARD_DAYS} days."
        ),
    }


def _as_row(row: Card) -> dict[str, Any]:
    return {
        "card_ending": row.ending,
        "kind": row.kind,
        "scheme": row.scheme,
        "status": row.status,
        "valid_until": f"{row.expires_on:%m/%Y}",
        "arrives_on": row.arrives_on.isoformat() if row.arrives_on else None,
    }


def _state(row: Card) -> str:
    if row.status == Card.Status.ORDERED:
        return f"on its way, expected by {day(row.arrives_on)}"
    if row.status == Card.Status.CANCELLED:
        return f"blocked for good ({row.get_cancel_reason_display()})"
    return str(row.status)


def _situation(ctx: ToolContext, row: Card) -> str:
    name = f"Your {row.kind} card {card(row.ending)}"
    if row.status == Card.Status.CANCELLED:
        return f"{name} is blocked for good since {day(row.cancelled_at)} ({row.cancel_reason})."
    if row.status == Card.Status.FROZEN:
        return f"{name} is frozen since {day(row.frozen_at)}, so every payment is declined."
    if row.status == Card.Status.ORDERED:
        late = row.arrives_on is not None and ctx.now.date() > row.arrives_on
        expected = "should have arrived by" if late else "should arrive by"
        return (
            f"{name} was ordered on {day(row.ordered_at)} and {expected} {day(row.arrives_on)}. "
            + ("If it is not there, a colleague can send another." if late else "")
        ).strip()
    if row.expires_on < ctx.now.date():
        return f"{name} expired on {day(row.expires_on)}."
    return f"{name} is active and valid until {row.expires_on:%m/%Y}."


def _remedy(ctx: ToolContext, row: Card) -> str:
    if row.status == Card.Status.CANCELLED:
        return "It cannot be used any more; please take your other card, or order one in the app."
    if row.status == Card.Status.FROZEN:
        return "I can unfreeze it if you have it with you."
    if row.status == Card.Status.ORDERED:
        return "Once you have it, activate it in the app under Cards."
    if row.expires_on < ctx.now.date():
        return "I can replace it."
    tips = "Usually it helps to pay once with chip and PIN, and to look at your limits and balance."
    if row.kind == Card.Kind.VIRTUAL:
        tips = "Check the three digits and the date in the app: it works online only."
    broken = "" if row.kind == Card.Kind.VIRTUAL else " If the chip is damaged, I can replace it."
    return f"On our side nothing stops it. {tips}{broken}"


# --- freezing ---


async def _prepare_freeze(ctx: ToolContext, card_ending: str) -> Proposal:
    _refuse_unless_freezable(await selectors.get_card(ctx, card_ending))
    return Proposal(
        message=(
            f"Freeze your card {card(card_ending)}. All its payments are declined until you "
            "unfreeze it."
        )
    )


@support_tool(effect="write", prepare=_prepare_freeze)
async def freeze_card(ctx: ToolContext, card_ending: CardEnding) -> dict[str, Any]:
    """Freeze a card at once: every payment and withdrawal is declined until it is unfrozen.

    It is harmless and can be undone at any time with unfreeze_card, so do it whenever the customer is worried about a
    card. For a card that is surely lost, stolen or misused, use report_lost_card.
    """
    row = await selectors.get_card(ctx, card_ending, lock=True)
    _refuse_unless_freezable(row)
    row.status = Card.Status.FROZEN
    row.frozen_at = ctx.now
    await row.asave(update_fields=["status", "frozen_at"])
    return {
        "card_ending": row.ending,
        "status": row.status,
        "summary": (
            f"Your card {card(row.ending)} is frozen: payments and withdrawals with it are "
            "declined from now on. You can unfreeze it whenever you like. If it is gone for good, "
            "tell me, and I report it lost."
        ),
    }


def _refuse_unless_freezable(row: Card) -> None:
    name = f"Your card {card(row.ending)}"
    if row.status == Card.Status.FROZEN:
        raise Refusal(
            f"{name} is already frozen, so nobody can pay with it. If it is gone for good, I can "
            "report it lost and send you another."
        )
    if row.status == Card.Status.CANCELLED:
        raise Refusal(f"{name} is blocked for good, so nobody can pay with it any more.")
    if row.status == Card.Status.ORDERED:
        raise Refusal(
            f"{name} has not been activated yet, so nobody can pay with it. If it got lost on its "
            "way to you, I can report it lost and send you another."
        )


async def _prepare_unfreeze(ctx: ToolContext, card_ending: str) -> Proposal:
    row = await selectors.get_card(ctx, card_ending)
    await _refuse_unless_unfreezable(ctx, row)
    return Proposal(
        message=f"Unfreeze your card {card(card_ending)}, so that it can be used again."
    )


@support_tool(effect="write", prepare=_prepare_unfreeze)
async def unfreeze_card(ctx: ToolContext, card_ending: CardEnding) -> dict[str, Any]:
    """Unfreeze a frozen card, so that it works again. A card that was reported lost stays blocked."""
    row = await selectors.get_card(ctx, card_ending, lock=True)
    await _refuse_unless_unfreezable(ctx, row)
    row.status = Card.Status.ACTIVE
    row.frozen_at = None
    await row.asave(update_fields=["status", "frozen_at"])
    return {
        "card_ending": row.ending,
        "status": row.status,
        "summary": f"Your card {card(row.ending)} is active again. You can pay with it right away.",
    }


async def _refuse_unless_unfreezable(ctx: ToolContext, row: Card) -> None:
    name = f"Your card {card(row.ending)}"
    if row.status == Card.Status.CANCELLED:
        if row.cancel_reason == Card.CancelReason.REPLACED:
            why = "was replaced"
        else:
            why = f"was reported {row.get_cancel_reason_display()}"
        raise Refusal(
            f"{name} {why}, so for your safety it stays blocked, even if it has turned up again. "
            f"Please cut it up. {await _what_instead(row)}"
        )
    if row.status == Card.Status.ORDERED:
        raise Refusal(
            f"{name} is not frozen: it is on its way to you. Once you have it, activate it in the "
            "app under Cards."
        )
    if row.status == Card.Status.ACTIVE:
        raise Refusal(
            f"{name} is not frozen; it is active. If a payment fails, I can look into that payment."
        )
    if row.expires_on < ctx.now.date():
        raise Refusal(f"{name} expired on {day(row.expires_on)}. I can replace it instead.")


async def _what_instead(row: Card) -> str:
    other = await Card.objects.filter(replaces=row).afirst()
    if other is None:
        return "You can order another card in the app."
    if other.status == Card.Status.ORDERED:
        return f"Its replacement {card(other.ending)} should arrive by {day(other.arrives_on)}."
    return f"Please use its replacement {card(other.ending)}."


# --- replacing ---


async def _prepare_replace(ctx: ToolContext, card_ending: str, reason: str = "other") -> Proposal:
    row = await selectors.get_card(ctx, card_ending)
    await _refuse_unless_replaceable(row)
    return Proposal(
        message=(
            f"Order a replacement for your card {card(card_ending)}, free of charge. It comes "
            f"within {CARD_DAYS} days to your address with us. The present card keeps working "
            "until you activate the new one."
            if row.status == Card.Status.ACTIVE
            else f"Order a replacement for your card {card(card_ending)}, free of charge. It comes "
            f"within {CARD_DAYS} days to your address with us."
        )
    )


@support_tool(effect="write", prepare=_prepare_replace)
async def replace_card(
    ctx: ToolContext, card_ending: CardEnding, reason: ReplacementReason = "other"
) -> dict[str, Any]:
    """Order a new physical card in place of one that is damaged, worn out or about to expire.

    The old one keeps working until the new one is activated. For a lost, stolen or misused card use report_lost_card.
    """
    row = await selectors.get_card(ctx, card_ending, lock=True)
    await _refuse_unless_replaceable(row)
    new = await order_replacement(ctx, row)
    return {
        "card_ending": row.ending,
        "new_card_ending": new.ending,
        "arrives_by": day(new.arrives_on),
        "summary": (
            f"Your new card {card(new.ending)} is ordered and should arrive by "
            f"{day(new.arrives_on)}. Activate it in the app; then {card(row.ending)} stops working."
        ),
    }


async def _refuse_unless_replaceable(row: Card) -> None:
    name = f"Your card {card(row.ending)}"
    if row.kind == Card.Kind.VIRTUAL:
        raise Refusal(
            f"{name} is virtual, so there is nothing to send. You can delete it in the app and "
            "create another at once; if somebody else knows its details, tell me, and I block it."
        )
    if row.status == Card.Status.ORDERED:
        raise Refusal(
            f"{name} is still on its way and should arrive by {day(row.arrives_on)}. If it does "
            "not come, I can report it lost and send another."
        )
    if row.status == Card.Status.CANCELLED:
        raise Refusal(f"{name} is blocked for good. {await _what_instead(row)}")
    other = await Card.objects.filter(replaces=row).afirst()
    if other is not None:
        raise Refusal(
            f"A replacement for {card(row.ending)} is already ordered: {card(other.ending)}, "
            f"expected by {day(other.arrives_on)}."
        )


async def order_replacement(ctx: ToolContext, old: Card) -> Card:
    """Create the card that takes the place of `old`; a virtual one can be used at once."""
    today = ctx.now.date()
    is_virtual = old.kind == Card.Kind.VIRTUAL
    taken = Card.objects.filter(customer_id=old.customer_id).values_list("ending", flat=True)
    return await Card.objects.acreate(
        customer_id=old.customer_id,
        ending=_new_ending({ending async for ending in taken}),
        kind=old.kind,
        scheme=old.scheme,
        status=Card.Status.ACTIVE if is_virtual else Card.Status.ORDERED,
        expires_on=today.replace(year=today.year + VALID_YEARS, day=1),
        ordered_at=ctx.now,
        arrives_on=None if is_virtual else today + timedelta(days=CARD_DAYS),
        replaces=old,
    )


def _new_ending(taken: set[str]) -> str:
    while (ending := f"{secrets.randbelow(10_000):04}") in taken:
        pass
    return ending
