"""The arguments' types. Models fill them in from the JSON schema, so each word there counts."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema


def _on_one_line(text: object) -> object:
    if not isinstance(text, str):
        return text
    return ", ".join(line.strip(" ,") for line in text.splitlines() if line.strip(" ,"))


OrderNumber = Annotated[
    str,
    Field(
        pattern=r"^\d{4,10}$",
        # Some models write a number.
        coerce_numbers_to_str=True,
        description="The order number, for example 1042",
    ),
]
OrderStatus = Annotated[
    Literal["processing", "shipped", "delivered", "cancelled"],
    Field(description="Only orders in this state"),
]
Amount = Annotated[
    Decimal,
    Field(gt=0, le=10_000, max_digits=7, decimal_places=2, allow_inf_nan=False),
    # Pydantic's own schema for Decimal is a number or a string with a long pattern.
    WithJsonSchema(
        {
            "type": "number",
            "exclusiveMinimum": 0,
            "maximum": 10_000,
            "description": "An amount of money with at most two decimal places, for example 14.90",
        }
    ),
]
Percent = Annotated[
    int,
    Field(ge=1, le=100, description="A whole number of percent, for example 10"),
]
Address = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=10, max_length=200),
    Field(
        description=(
            "A complete postal address: street and number, postal code, city, country; "
            "for example Lindenweg 4, 50667 Cologne, Germany"
        )
    ),
    # Typed as on an envelope, it becomes the one line that the order keeps.
    BeforeValidator(_on_one_line),
]
Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_lower=True, max_length=254),
    Field(
        pattern=r"^[^@\s]{1,64}@[^@\s]+\.[^@\s]{2,}$",
        description="An email address, for example ana@example.com",
    ),
]
Stars = Annotated[
    int,
    Field(ge=1, le=5, description="Stars from 1 (bad) to 5 (excellent)"),
]
ReturnReason = Annotated[
    Literal["damaged", "wrong_item", "not_as_described", "changed_mind", "other"],
    Field(description="Why it goes back"),
]
RefundReason = Annotated[
    Literal["damaged", "missing", "returned", "other"],
    Field(description="Why money goes back"),
]
