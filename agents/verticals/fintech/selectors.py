"""Reads on behalf of one customer. What belongs to another reads exactly as what does not exist.

With `lock` a row is held until the transaction ends, so that of two changes the second sees the first. SQLite has no
row locks, but its write transactions run one after the other. A booking's row is locked before its account's.
"""

from __future__ import annotations

from agents.tools import Refusal, ToolContext
from agents.verticals.fintech.models import Account, Card, Dispute, TopUp, Transaction, Transfer
from agents.verticals.fintech.wording import card


async def get_account(ctx: ToolContext, *, lock: bool = False) -> Account:
    """Return the account of the customer whose call it is, with the customer, or refuse."""
    rows = Account.objects.select_for_update(of=("self",)) if lock else Account.objects.all()
    mine = rows.filter(customer__ref=ctx.require_customer()).select_related("customer")
    account = await mine.afirst()
    if account is None:
        raise Refusal("I cannot find your account with us. A colleague can look into it.")
    return account


async def get_card(ctx: ToolContext, ending: str, *, lock: bool = False) -> Card:
    """Return a card of this customer, or refuse."""
    rows = Card.objects.select_for_update(of=("self",)) if lock else Card.objects.all()
    mine = rows.filter(ending=ending, customer__ref=ctx.require_customer())
    found = await mine.afirst()
    if found is None:
        raise Refusal(
            f"I cannot find a card {card(ending)} among your cards. Please check the last four "
            "digits; I can also list your cards."
        )
    return found


async def get_transaction(ctx: ToolContext, reference: str, *, lock: bool = False) -> Transaction:
    """Return a transaction of this customer with its account and card, or refuse."""
    rows = (
        Transaction.objects.select_for_update(of=("self",)) if lock else Transaction.objects.all()
    )
    mine = rows.filter(reference=reference, account__customer__ref=ctx.require_customer())
    found = await mine.select_related("account", "card").afirst()
    if found is None:
        raise Refusal(
            f"I cannot find a transaction {reference} on your account. Please check the reference; "
            "I can also list your transactions."
        )
    return found


async def find_dispute(row: Transaction) -> Dispute | None:
    """Return the dispute about a transaction, or None. A query of its own, so that it sees what a lock waited for."""
    return await Dispute.objects.filter(transaction=row).select_related("transaction").afirst()


async def get_transfer(ctx: ToolContext, reference: str, *, lock: bool = False) -> Transfer:
    """Return a transfer of this customer, or refuse."""
    rows = Transfer.objects.select_for_update(of=("self",)) if lock else Transfer.objects.all()
    mine = rows.filter(reference=reference, account__customer__ref=ctx.require_customer())
    found = await mine.select_related("account").afirst()
    if found is None:
        raise Refusal(
            f"I cannot find a transfer {reference} on your account. Please check the reference; "
            "I can also list your transfers."
        )
    return found


async def get_top_up(ctx: ToolContext, reference: str) -> TopUp:
    """Return a top-up of this customer, or refuse."""
    mine = TopUp.objects.filter(reference=reference, account__customer__ref=ctx.require_customer())
    found = await mine.afirst()
    if found is None:
        raise Refusal(
            f"I cannot find a top-up {reference} on your account. Please check the reference; "
            "I can also list your top-ups."
        )
    return found
