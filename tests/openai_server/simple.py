"""A model that always answers the same: for load, where what it says is of no interest."""

from __future__ import annotations

from typing import Any

from tests.openai_server.answers import Answer, route, say
from tests.openai_server.app import Answerer, role_of

SENTENCE = "Your order left our warehouse this morning and is on its way to you, as planned."


def answer_simply(agent: str, *, words: int, ms_a_word: float) -> Answerer:
    """Route everything to one agent, which then says so many words."""
    sentence = SENTENCE.split()
    text = " ".join(sentence[at % len(sentence)] for at in range(words))

    async def answer(request: dict[str, Any]) -> Answer:
        return route(agent) if role_of(request) == "router" else say(text, ms_a_piece=ms_a_word)

    return answer
