"""The arguments' types. Models fill them in from the JSON schema, so each word there counts."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema

from agents.verticals.saas.rules import KEY_GRACE_HOURS, MAX_KEY_GRACE_HOURS


def _with_prefix(number: object) -> object:
    """Return "INV-2041" for 2041, "2041", "inv2041" and "#INV-2041"."""
    found = re.fullmatch(r"\W*(?:INV\W*)?(\d{4,6})", str(number).strip(), re.IGNORECASE)
    return f"INV-{found[1]}" if found and isinstance(number, str | int) else number


InvoiceNumber = Annotated[
    str,
    Field(pattern=r"^INV-\d{4,6}$"),
    BeforeValidator(_with_prefix),
    # Customers leave the letters out; 2026 without them is rather a year.
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^(?:INV-?\d{4,6}|[013-9]\d{3}|2[1-9]\d\d|20[4-9]\d|\d{5,6})$",
            "description": "The invoice number, for example INV-2041",
        }
    ),
]
InvoiceStatus = Annotated[
    Literal["paid", "failed", "void"],
    Field(description="Only invoices in this state"),
]
PlanName = Annotated[
    Literal["Free", "Basic", "Team", "Business"],
    Field(description="The plan to change to"),
]
Seats = Annotated[
    int,
    Field(ge=1, le=10_000, description="A number of seats, also called licences or users"),
]
SeatChange = Annotated[
    Literal["total", "add", "more", "extra", "remove", "fewer", "less"],
    Field(
        description=(
            "Whether `seats` is the new total, or how many more (add, more, extra) or fewer "
            "(remove, fewer, less) are wanted"
        )
    ),
]
Amount = Annotated[
    Decimal,
    Field(gt=0, le=100_000, max_digits=8, decimal_places=2, allow_inf_nan=False),
    # Pydantic's own schema for Decimal is a number or a string with a long pattern.
    WithJsonSchema(
        {
            "type": "number",
            "exclusiveMinimum": 0,
            "maximum": 100_000,
            "description": "An amount of money with at most two decimal places, for example 14.90",
        }
    ),
]
Charge = Annotated[
    Decimal,
    Field(ge=0, max_digits=10, decimal_places=2, allow_inf_nan=False),
    WithJsonSchema({"type": "number", "minimum": 0}),
]
AgreedCharge = Annotated[
    Charge | None,
    Field(
        description="Leave it out: the server fills in what is charged for the rest of the period"
    ),
]
MemberEmail = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_lower=True, max_length=254),
    Field(
        pattern=r"^[^@\s]{1,64}@[^@\s]+\.[^@\s]{2,}$",
        description="The person's email address, for example sam@example.com",
        json_schema_extra={"format": "email"},
    ),
]
Search = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=60),
    Field(description="Only people whose name or email address contains this"),
]
NewRole = Annotated[
    Literal["member", "admin"],
    Field(description="What the person may do; admins manage members, plan and invoices"),
]
KeyName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=2, max_length=60),
    Field(description="Name of one of the workspace's API keys, for example Production"),
]
GraceHours = Annotated[
    int,
    Field(
        ge=0,
        le=MAX_KEY_GRACE_HOURS,
        description=(
            f"Hours for which the old key goes on working, {KEY_GRACE_HOURS} unless the customer "
            "says otherwise; 0 if the key has leaked"
        ),
    ),
]
Problem = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=10, max_length=2000),
    Field(
        description=(
            "What goes wrong, in the customer's own words: what they did, what they expected, what "
            "happened instead"
        )
    ),
]
Priority = Annotated[
    Literal["low", "normal", "urgent"],
    Field(description="Urgent only if work stands still"),
]
RefundReason = Annotated[
    Literal["charged_twice", "unused", "outage", "other"],
    Field(description="Why money goes back"),
]
CreditReason = Annotated[
    Literal["outage", "billing_error", "goodwill"],
    Field(description="Why there is a credit"),
]
CancelReason = Annotated[
    Literal["too_expensive", "missing_features", "switching", "not_needed", "other"],
    Field(description="Why the customer leaves, if they say so"),
]
