"""What customers ask, and what every fake model answers: so many tokens, as many as the question asks for."""

from __future__ import annotations

import re

TOKENS = 50
WORDS = (
    "Your order left our warehouse this morning and is on its way to you. ",
    "The carrier expects to deliver it within three working days. ",
    "You will get a message with the hour as soon as it is known, and you can follow it on your page ",
    "at any time.",
)
# As a model would cut it: words with their spaces.
_PIECES = [f"{word} " for word in "".join(WORDS).split()]
_ASKED_TOKENS = re.compile(r"in (\d+) words")


def question(tokens: int = TOKENS) -> str:
    return f"Where is my order? It should have been here by now. Tell me in {tokens} words."


def pieces_for(asked: str) -> list[str]:
    """Return the answer to a question, a token each."""
    found = _ASKED_TOKENS.search(asked)
    tokens = int(found[1]) if found else TOKENS
    return (_PIECES * (tokens // len(_PIECES) + 1))[:tokens]


def answer(tokens: int = TOKENS) -> str:
    return "".join(pieces_for(question(tokens)))
