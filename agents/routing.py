"""What the router decides about a customer's message."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class RoutedIntent(BaseModel):
    """One thing the customer asks for."""

    agent: str = Field(description="Name of the agent who handles it.")
    request: str = Field(description="What is asked, in the customer's words.")


class RouteDecision(BaseModel):
    """Who handles the customer's last message.

    Exactly one of three: the message is ambiguous and `clarification_question` asks back; it asks for something, and
    `intents` lists it in the customer's order; or it asks for nothing that an agent does, and `other` says what it is.
    """

    is_ambiguous: bool = Field(False, description="True only when no agent can be chosen yet.")
    clarification_question: str | None = Field(
        None, description="One short question with the likely meanings; only when ambiguous."
    )
    intents: list[RoutedIntent] = Field(
        default_factory=list, description="Each request, in order; one agent each."
    )
    other: Literal["hello", "thanks", "abuse", "out_of_scope"] | None = Field(
        None, description="Only when nothing is asked that an agent does."
    )
