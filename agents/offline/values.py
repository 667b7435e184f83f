"""Finding an argument's value in what a customer wrote. Nothing is ever made up: no value, no find."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from agents.offline.arguments import Argument, is_strict
from agents.offline.dates import find_date

NUMBER_WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12,
}  # fmt: skip
# Nouns that tell whose number a number is.
NUMBERED = {
    "order", "orders", "purchase", "invoice", "invoices", "bill", "card", "account", "ticket", "transfer",
    "payment", "transaction", "refund", "return", "parcel", "tracking", "subscription", "seat", "customer",
    "case", "zip", "postcode", "plan", "workspace", "booking",
}  # fmt: skip
UNITS = {
    "eur", "euro", "euros", "usd", "dollar", "dollars", "gbp", "pound", "pounds", "bucks", "percent", "day",
    "days", "week", "weeks", "month", "months", "hour", "hours", "minutes", "year", "years", "times", "items",
    "pieces", "stars", "people", "users", "seats", "chf", "am", "pm",
}  # fmt: skip
# What plans and accounts are called nearly everywhere.
TIERS = (
    "freemium|free|trial|starter|basic|lite|standard|plus|pro|professional|team|business|premium|bronze|silver|gold|"
    "platinum|diamond|enterprise|unlimited"
)
STOPPING = re.compile(
    r"\b(stop|cancel|no longer|not|don'?t|do not|off|disable|remove|without|never|quit|leave|out|rid)\b",
    re.I,
)

_NUMBER = (
    r"(?<![\w.,-])\d{1,3}(?:[ ,]\d{3})+(?:\.\d+)?(?!\w)|(?<![\w.,-])\d+(?:[.,]\d+)?(?![\w-]|[.,]\d)"
)
_MONEY = re.compile(
    rf"[$\u20ac\u00a3]\s?(?P<a>{_NUMBER})|(?P<b>{_NUMBER})\s?(?:[$\u20ac\u00a3]|\b(?:eur|euros?|usd|dollars?|gbp|pounds?|bucks|chf)\b)",
    re.IGNORECASE,
)
_PERCENT = re.compile(r"(?<![\w.,])(\d{1,3}(?:[.,]\d+)?)\s?(?:%|per\s?cent\b|pct\b)", re.IGNORECASE)
_OF_PLAN = r"(?:accounts?|plans?|profiles?|subscriptions?|tiers?|memberships?|packages?|versions?)"
_PLANS = (
    re.compile(rf"\b({TIERS})\s+(?:\w+\s+)?{_OF_PLAN}\b", re.IGNORECASE),
    re.compile(rf"\b{_OF_PLAN}\s+(?:called\s+)?({TIERS})\b", re.IGNORECASE),
    re.compile(rf"\b({TIERS})\b(?!\s+to\b)", re.IGNORECASE),
)
_OUT_OF = re.compile(r"\b(\w+)\s*(?:/|out of)\s*(?:5|10|five|ten)\b", re.IGNORECASE)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}")
_PHONE = re.compile(r"\+?\d[\d\s()/-]{6,}\d")
_POSTAL = re.compile(r"\b(?:[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|\d{4,6}(?:-\d{4})?)\b", re.IGNORECASE)
_QUOTED = re.compile(r"[\"\u201c\u201e\u00ab]([^\"\u201d\u201c\u00bb]{2,})[\"\u201d\u201c\u00bb]")
_CALLED = re.compile(
    r"\b(?:called|named)\s+([\w][\w .&'-]{1,60}?)(?=[,.!?]|\s+(?:and|please)\b|$)", re.I
)
_BECAUSE = re.compile(
    r"\b(?:because(?: of)?|due to|the reason is(?: that)?)\s+(.{3,})", re.I | re.S
)
_AFTER_COLON = re.compile(r":\s+(\S.{3,})", re.DOTALL)
_LEAD = re.compile(
    r"^\W*(?:(?:oh|ok|okay|sure|yes|yeah|well|um|sorry|hi|please|thanks)\b[\s,.!]*)*"
    r"(?:(?:it'?s|it is|that'?s|that is|this is|i mean|make it|let'?s say|the answer is|use|send it to|ship it to|"
    r"deliver it to|change it to|to|my (?:new )?[\w ]{2,25}? is|the (?:new )?[\w ]{2,25}? is|because|for)\b[\s:,]*)?",
    re.IGNORECASE,
)
_TAIL = re.compile(r"[\s,]*\b(?:please|thanks|thank you|thx|pls)\W*$", re.IGNORECASE)
_ADDRESS_START = re.compile(r"(?:\b(?:to|at|is|address)\b|:)\s*:?\s*(?=[A-Z0-9\u00c0-\u00de])")
_NOT_KNOWING = re.compile(
    r"\b(don'?t|do not|no idea|not sure|forgot|can'?t)\b.*\b(know|have|remember|find|idea|sure)?\b|\?\s*$",
    re.I,
)


def find_values(argument: Argument, text: str) -> list[Any]:
    """Return the values for an argument that stand clearly in a text, the likeliest first."""
    return [value for value in _finder(argument)(argument, text) if _fits(argument, value)]


def find_answer(argument: Argument, text: str) -> Any | None:
    """Return the value that a text gives as an answer to the question for it; a bare number or name is enough."""
    found = find_values(argument, text)
    if found:
        return found[0]
    bare = plain_answer(text)
    value: Any | None = None
    if argument.kind in ("amount", "percent", "integer", "number"):
        numbers = _numbers(text)
        is_other = any(word in NUMBERED for word in re.findall(r"[a-z]+", text.lower()))
        value = _as_number(argument, numbers[0]) if len(numbers) == 1 and not is_other else None
    elif argument.kind == "boolean":
        value = _yes_or_no(text)
    elif argument.kind == "address":
        is_place = len(bare.split()) >= 3 and any(c.isdigit() for c in bare)
        value = bare if is_place and not _NOT_KNOWING.search(text) else None
    elif argument.kind in ("text", "words", "request") and bare and not _NOT_KNOWING.search(text):
        value = bare
    elif argument.kind == "code" and argument.pattern is None and len(bare.split()) == 1:
        value = bare if any(c.isdigit() for c in bare) else None
    return value if value is not None and _fits(argument, value) else None


def plain_answer(text: str) -> str:
    """Return a text without "it is", "please" and the like around it."""
    return _TAIL.sub("", _LEAD.sub("", text.strip(), count=1)).strip(" \t\n.,!;:\"'\u201c\u201d")


def _finder(argument: Argument) -> Callable[[Argument, str], list[Any]]:
    return _FINDERS.get(argument.kind, _texts)


def _fits(argument: Argument, value: Any) -> bool:
    schema = argument.schema
    if isinstance(value, str):
        longest, shortest = schema.get("maxLength"), schema.get("minLength", 0)
        if (longest is not None and len(value) > longest) or len(value) < shortest:
            return False
        return not argument.pattern or re.search(argument.pattern, value) is not None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return True
    return (
        value >= schema.get("minimum", value)
        and value <= schema.get("maximum", value)
        and ("exclusiveMinimum" not in schema or value > schema["exclusiveMinimum"])
        and ("exclusiveMaximum" not in schema or value < schema["exclusiveMaximum"])
    )


def _codes(argument: Argument, text: str) -> list[Any]:
    """Return the tokens that fit the pattern; those that stand after the argument's own noun first."""
    tokens = [(m.start(), m[0].strip(".,;:!?()'\"#")) for m in re.finditer(r"[^\s#]+", text)]
    ranked: list[tuple[int, int, Any]] = []
    for at, (start, token) in enumerate(tokens):
        value = _as_code(argument, token)
        if value is None or _is_other_number(text, start, token, tokens, at):
            continue
        ranked.append((-_nearness(argument, tokens, at), at, value))
    best = [value for _, _, value in sorted(ranked, key=lambda one: one[:2])]
    if ranked and max(-rank for rank, _, _ in ranked) > 0:
        # Where one number is named as this one, the others are something else.
        best = [value for rank, _, value in sorted(ranked, key=lambda one: one[:2]) if rank < 0]
    return list(dict.fromkeys(best))


def _as_code(argument: Argument, token: str) -> Any | None:
    if not any(character.isdigit() for character in token):
        return None
    pattern = argument.pattern
    if argument.schema.get("type") == "integer":
        return int(token) if token.isdigit() else None
    if not is_strict(pattern):
        return (
            token
            if len(token) >= 3 and re.fullmatch(r"[A-Za-z]{0,6}[-_/]?\d[\w/-]*", token)
            else None
        )
    for form in (token, token.upper(), token.lower(), token.removesuffix("'s")):
        if re.search(pattern or "", form):
            return form
    digits = re.fullmatch(r"[A-Za-z]{1,6}[-_.]?(\d+)", token)
    return digits[1] if digits and re.search(pattern or "", digits[1]) else None


def _is_other_number(
    text: str, start: int, token: str, tokens: list[tuple[int, str]], at: int
) -> bool:
    """Return whether a number is money, a duration, a share or a day."""
    after = tokens[at + 1][1].lower() if at + 1 < len(tokens) else ""
    before = text[start - 1] if start else " "
    follows = text[start + len(token) : start + len(token) + 1]
    return (
        after in UNITS
        or before in "$\u20ac\u00a3"
        or token[0] in "$\u20ac\u00a3"
        or follows in ("%", "\u20ac")
        or "%" in token
    )


def _nearness(argument: Argument, tokens: list[tuple[int, str]], at: int) -> int:
    """Return how closely a number follows the argument's own noun: 3 at once, 0 not at all, -1 another noun's."""
    near = 3
    for _, token in reversed(tokens[:at]):
        word = token.lower()
        if word in ("and", "or", "&", "") or any(c.isdigit() for c in word):
            if near < 3:
                break
            continue  # "orders 1042, 1043 and 1044"
        if word in argument.nouns or word.rstrip("s") in argument.nouns:
            return near
        if word in NUMBERED:
            return -1
        near -= 1
        if near == 0:
            break
    return 0


def _money(argument: Argument, text: str) -> list[Any]:
    found = [_as_number(argument, m["a"] or m["b"]) for m in _MONEY.finditer(text)]
    return found or [_as_number(argument, n) for n in _numbers(text) if re.search(r"[.,]\d\d$", n)]


def _percents(argument: Argument, text: str) -> list[Any]:
    return [_as_number(argument, m[1]) for m in _PERCENT.finditer(text)]


def _counts(argument: Argument, text: str) -> list[Any]:
    """Return numbers that stand beside one of the argument's own words: "4 stars", "seats: 5"."""
    about = argument.nouns | set(
        re.findall(r"[a-z]{4,}", str(argument.schema.get("description", "")).lower())
    )
    about = {word.rstrip("s") for word in about}
    if about & {"star", "rating"} and (found := _OUT_OF.search(text)):
        rated = _numbers(found[1])
        if rated:
            return [_as_number(argument, rated[0])]
    words = re.findall(r"[\w.,]+", text)
    result = []
    for at, word in enumerate(words):
        numbers = _numbers(word.strip(".,"))
        around = words[max(0, at - 2) : at] + words[at + 1 : at + 3]
        if numbers and any(other.lower().rstrip("s.,") in about for other in around):
            result.append(_as_number(argument, numbers[0]))
    return result


def _numbers(text: str) -> list[str]:
    found = re.findall(_NUMBER, text)
    return found or [
        str(NUMBER_WORDS[w]) for w in re.findall(r"[a-z]+", text.lower()) if w in NUMBER_WORDS
    ]


def _as_number(argument: Argument, written: str) -> int | float | str:
    digits = written.replace(" ", "")
    digits = re.sub(r",(?=\d{3}(\D|$))", "", digits).replace(",", ".")
    value = Decimal(digits)
    if argument.schema.get("type") == "string":
        return str(value)
    return int(value) if value == value.to_integral_value() else float(value)


def _emails(argument: Argument, text: str) -> list[Any]:
    found = _EMAIL.findall(text)
    return found[::-1] if "new" in argument.name else found


def _dates(argument: Argument, text: str) -> list[Any]:
    found = find_date(text, _today())
    return [found.isoformat()] if found else []


def _today() -> date:
    return datetime.now(UTC).date()


def _plans(argument: Argument, text: str) -> list[Any]:
    """Return the names of plans; of a change from one to another, the other one."""
    moved = re.split(r"\bto\b", text, maxsplit=1, flags=re.IGNORECASE)[1:]
    found = [m[1] for part in [*moved, text] for pattern in _PLANS for m in pattern.finditer(part)]
    return list(dict.fromkeys(found))


def _phones(argument: Argument, text: str) -> list[Any]:
    return [found.strip() for found in _PHONE.findall(text)]


def _postal_codes(argument: Argument, text: str) -> list[Any]:
    return [m[0] for m in _POSTAL.finditer(text) if any(c.isdigit() for c in m[0])]


def _addresses(argument: Argument, text: str) -> list[Any]:
    """Return what follows "to" or "is" and looks like an address: a digit, and several words."""
    found = []
    for start in _ADDRESS_START.finditer(text):
        rest = re.split(r"\n|[.!?](?:\s|$)", text[start.end() :])[0]
        rest = _TAIL.sub("", rest).strip(" ,;\"'")
        if len(rest.split()) >= 3 and any(c.isdigit() for c in rest) and "," in rest:
            found.append(rest)
    bare = plain_answer(text)
    if (
        not found
        and re.match(r"[A-Z0-9]", bare)
        and bare.count(",") >= 1
        and re.search(r"\d", bare)
    ):
        found.append(bare)
    return found[::-1]


def _choices(argument: Argument, text: str) -> list[Any]:
    lowered = text.lower()
    exact = [
        choice
        for choice in argument.choices
        if re.search(rf"\b{re.escape(_human(choice))}\b", lowered)
        or str(choice).lower() in lowered.split()
    ]
    if exact:
        return sorted(exact, key=lambda choice: -len(str(choice)))
    if not argument.is_required:
        return []
    return _opposites(argument, lowered) or [
        choice for choice in argument.choices if _shares_stem(_human(choice), lowered)
    ]


def _human(choice: Any) -> str:
    return str(choice).lower().replace("_", " ").replace("-", " ")


def _opposites(argument: Argument, lowered: str) -> list[Any]:
    """Return "unsubscribe" for "stop the newsletter", where the only choices are it and "subscribe"."""
    pairs = [(yes, no) for yes in argument.choices for no in argument.choices if _negates(yes, no)]
    if not pairs or len(argument.choices) != 2:
        return []
    yes, no = pairs[0]
    if STOPPING.search(lowered):
        return [no]
    return (
        [yes] if re.search(r"\b(want|like|sign|start|get|add|join|turn on|send)\b", lowered) else []
    )


def _negates(yes: Any, no: Any) -> bool:
    positive, negative = str(yes).lower(), str(no).lower()
    pairs = {("on", "off"), ("enable", "disable"), ("start", "stop")}
    return (
        negative in {f"un{positive}", f"dis{positive}", f"de{positive}"}
        or (positive, negative) in pairs
    )


def _shares_stem(choice: str, lowered: str) -> bool:
    words = [word for word in choice.split() if len(word) >= 5]
    return bool(words) and all(re.search(rf"\b{re.escape(word[:5])}", lowered) for word in words)


def _booleans(argument: Argument, text: str) -> list[Any]:
    return []


def _yes_or_no(text: str) -> bool | None:
    if re.match(r"\W*(yes|yeah|yep|sure|please do|ok|okay|of course|right|correct)\b", text, re.I):
        return True
    return False if re.match(r"\W*(no|nope|nah|not|don'?t)\b", text, re.I) else None


def _own_words(argument: Argument, text: str) -> list[Any]:
    """Return what is told as a reason, after a colon, in quotes; or a long telling itself."""
    patterns = (_BECAUSE,) if "reason" in argument.name else (_QUOTED, _AFTER_COLON)
    for pattern in patterns:
        if found := pattern.search(text):
            return [found[1].strip(" \"'\u201c\u201d")]
    is_telling = argument.is_required and "reason" not in argument.name and len(text.split()) >= 10
    return [text.strip()] if is_telling else []


def _requests(argument: Argument, text: str) -> list[Any]:
    longest = argument.schema.get("maxLength", 500)
    return [text.strip()[:longest]]


def _texts(argument: Argument, text: str) -> list[Any]:
    return [m[1].strip() for pattern in (_QUOTED, _CALLED) for m in pattern.finditer(text)]


_FINDERS: dict[str, Callable[[Argument, str], list[Any]]] = {
    "choice": _choices,
    "boolean": _booleans,
    "email": _emails,
    "date": _dates,
    "amount": _money,
    "percent": _percents,
    "integer": _counts,
    "number": _counts,
    "code": _codes,
    "phone": _phones,
    "plan": _plans,
    "postal_code": _postal_codes,
    "address": _addresses,
    "words": _own_words,
    "request": _requests,
}
