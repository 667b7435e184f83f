"""The arguments' types. Models fill them in from the JSON schema, so each word there counts."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema


def _as_reference(text: object) -> object:
    """Return "TX-1003" for "tx1003"."""
    if not isinstance(text, str):
        return text
    written = re.fullmatch(r"\s*([A-Za-z]{2})[\s-]?(\d+)\s*", text)
    return f"{written[1].upper()}-{written[2]}" if written else text


CardEnding = Annotated[
    str,
    Field(
        pattern=r"^\d{4}$",
        # Some models write a number.
        coerce_numbers_to_str=True,
        description=(
            "The last four digits of the card, for example 4242; never ask for the full number"
        ),
    ),
]
TransactionReference = Annotated[
    str,
    Field(
        pattern=r"^TX-?\d{4,6}$",
        description="The transaction's reference, for example TX-1003",
    ),
    BeforeValidator(_as_reference),
]
TransferReference = Annotated[
    str,
    Field(
        pattern=r"^TR-?\d{4,6}$",
        description="The transfer's reference, for example TR-2001",
    ),
    BeforeValidator(_as_reference),
]
TopUpReference = Annotated[
    str,
    Field(
        pattern=r"^TU-?\d{4,6}$",
        description="The top-up's reference, for example TU-3001",
    ),
    BeforeValidator(_as_reference),
]
TransactionKind = Annotated[
    Literal["card_payment", "cash_withdrawal", "direct_debit", "fee", "refund"],
    Field(description="Only transactions of this kind"),
]
TransactionStatus = Annotated[
    Literal["pending", "completed", "declined", "reverted"],
    Field(description="Only transactions in this state"),
]
TransferStatus = Annotated[
    Literal["pending", "completed", "cancelled", "failed", "declined"],
    Field(description="Only transfers in this state"),
]
LossReason = Annotated[
    Literal["lost", "stolen", "compromised"],
    Field(description="What happened; compromised: somebody else knows the card's details"),
]
ReplacementReason = Annotated[
    Literal["damaged", "not_working", "expiring", "name_changed", "other"],
    Field(description="Why another card is needed"),
]
DisputeReason = Annotated[
    Literal["not_recognised", "charged_twice", "wrong_amount", "not_received", "other"],
    Field(description="What is wrong with the transaction"),
]
LimitKind = Annotated[
    Literal["payments", "withdrawals", "transfers"],
    Field(description="Which daily limit: card payments, cash withdrawals or transfers"),
]
Currency = Annotated[
    Literal["CHF", "CZK", "DKK", "GBP", "JPY", "NOK", "PLN", "SEK", "USD"],
    Field(description="A foreign currency, for example USD"),
]
OtherCurrency = Annotated[
    Literal["EUR", "CHF", "CZK", "DKK", "GBP", "JPY", "NOK", "PLN", "SEK", "USD"],
    Field(description="The other currency of the pair; EUR unless the customer names one"),
]
Amount = Annotated[
    Decimal,
    Field(ge=0, le=1_000_000, max_digits=9, decimal_places=2, allow_inf_nan=False),
    # Pydantic's own schema for Decimal is a number or a string with a long pattern.
    WithJsonSchema(
        {
            "type": "number",
            "minimum": 0,
            "maximum": 1_000_000,
            "description": "An amount of money with at most two decimal places, for example 1500",
        }
    ),
]
