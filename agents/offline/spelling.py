"""Mending slips of the keyboard: a word that nobody knows becomes the word of the template that it is nearest to."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from functools import cache

from agents.offline.embedding import VOCABULARY

SHORTEST = 4  # shorter words are too near to too many others

_WORD = re.compile(r"(?<![\w'\u2019@.-])[a-zA-Z]+(?![\w'\u2019@-]|\.\w)")
_CONTRACTED = {
    "aint", "arent", "cant", "couldnt", "didnt", "doesnt", "dont", "hasnt", "havent", "isnt", "thats", "wasnt", "whats",
    "wont", "youre",
}  # fmt: skip


class Speller:
    """Knows the words of a template's examples, and for which words of English they must not be taken."""

    def __init__(self, texts: list[str]) -> None:
        self._often = Counter(word.lower() for text in texts for word in _WORD.findall(text))
        self._by_form: dict[str, set[str]] = defaultdict(set)
        for word in self._often:
            if len(word) >= SHORTEST:
                for form in _forms(word):
                    self._by_form[form].add(word)

    def mend(self, text: str) -> str:
        """Return the text with its slips mended; what is no slip stays letter for letter."""
        return _WORD.sub(lambda found: self._mended(found[0]), text)

    def _mended(self, written: str) -> str:
        word = written.lower()
        is_known = word in self._often or word in _CONTRACTED or word in english_words()
        if len(word) < SHORTEST or is_known:
            return written
        near = {other for form in _forms(word) for other in self._by_form.get(form, ())}
        begins_alike = {other for other in near if _begins_alike(other, word)}
        if not begins_alike and (split := self._split(word)):
            return split
        candidates = begins_alike or near
        if not candidates:
            return written
        return max(
            candidates, key=lambda other: (_likeness(other, word), self._often[other], other)
        )

    def _split(self, word: str) -> str | None:
        """Return "i want" for "iwant"."""
        for at in range(1, len(word) - 2):
            first, second = word[:at], word[at:]
            if first in self._often and second in self._often and (at > 1 or first in "aiu"):
                return f"{first} {second}"
        return None


@cache
def english_words() -> frozenset[str]:
    """Return the whole words of the embedding's vocabulary."""
    lines = VOCABULARY.read_text(encoding="utf-8").splitlines()
    return frozenset(word for word in lines if word.isascii() and word.isalpha())


def _forms(word: str) -> set[str]:
    """Return the word, and it without each of its letters: words at distance one share a form."""
    return {word} | {word[:i] + word[i + 1 :] for i in range(len(word))}


def _begins_alike(word: str, other: str) -> bool:
    return word[0] == other[0] or word[:2] == other[1::-1]


def _likeness(word: str, other: str) -> int:
    """Return how many letters are the same from the front and from the back."""
    return _shared(word, other) + _shared(word[::-1], other[::-1])


def _shared(word: str, other: str) -> int:
    return next(
        (i for i, (a, b) in enumerate(zip(word, other, strict=False)) if a != b),
        min(len(word), len(other)),
    )
