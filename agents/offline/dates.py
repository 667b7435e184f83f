"""Days as customers write them."""

from __future__ import annotations

import re
from datetime import date, timedelta

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_MONTH = r"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)[a-z]*\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"

_WRITTEN = (
    re.compile(r"\b(?P<year>\d{4})-(?P<number>\d{1,2})-(?P<day>\d{1,2})\b"),
    re.compile(rf"\b{_DAY}\s+(?:of\s+)?{_MONTH}(?:,?\s+(?P<year>\d{{4}}))?\b", re.IGNORECASE),
    re.compile(rf"\b{_MONTH}\s+{_DAY}(?:,?\s+(?P<year>\d{{4}}))?\b", re.IGNORECASE),
    re.compile(r"\b(?P<day>\d{1,2})[./](?P<number>\d{1,2})[./](?P<year>\d{4})\b"),
)
_RELATIVE = re.compile(r"\b(today|tomorrow|yesterday)\b", re.IGNORECASE)
_WEEKDAY = re.compile(
    r"\b(?:(next|last)\s+)?(mon|tues?|wednes|thurs?|fri|satur|sun)day\b", re.IGNORECASE
)


def find_date(text: str, today: date) -> date | None:
    """Return the first day that `text` names. Without a year, the one nearest to `today`."""
    for pattern in _WRITTEN:
        if found := pattern.search(text):
            return _written(found.groupdict(), today)
    if found := _RELATIVE.search(text):
        days = {"today": 0, "tomorrow": 1, "yesterday": -1}[found[1].lower()]
        return today + timedelta(days=days)
    if found := _WEEKDAY.search(text):
        ahead = (_DAYS.index(found[2][:3].lower()) - today.weekday()) % 7 or 7
        is_past = (found[1] or "").lower() == "last"
        return today + timedelta(days=(ahead - 7 or -7) if is_past else ahead)
    return None


def _written(parts: dict[str, str | None], today: date) -> date | None:
    named = parts.get("month")
    month = _MONTHS.index(named[:3].lower()) + 1 if named else int(parts.get("number") or 0)
    day = int(parts["day"] or 0)
    if not named and month > 12 >= day:
        day, month = month, day
    try:
        if parts.get("year"):
            return date(int(parts["year"] or 0), month, day)
        near = [date(today.year + shift, month, day) for shift in (-1, 0, 1)]
    except ValueError:
        return None
    return min(near, key=lambda one: abs((one - today).days))
