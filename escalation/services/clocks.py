"""Business time: when people are there, and when so much of their time has passed.

Hours are local and clocks are UTC: each interval of each day is turned into UTC by itself, so that a day on which the
clocks change is as long as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

from agents.spec import Day, SupportSpec

DAYS: tuple[Day, ...] = get_args(Day)
# Hours have at least one interval a week, so that only a list of holidays can shut people out for so long.
MAX_DAYS = 4_000

Span = tuple[datetime, datetime]


def is_open(support: SupportSpec, at: datetime) -> bool:
    """Return whether people are there at an aware time."""
    if support.hours is None and not support.holidays:
        return True
    start, end = next(open_spans(support, at), (at, at))
    return start <= at < end


def find_opening(support: SupportSpec, after: datetime) -> datetime | None:
    """Return when people are there next: `after` itself while they are; None when that is years away."""
    for start, _ in open_spans(support, after):
        return max(start, after)
    return None


def add_business_time(support: SupportSpec, start: datetime, amount: timedelta) -> datetime:
    """Return when so much business time has passed since an aware time, in UTC.

    The end of a span is as good as the beginning of the next; the earlier of the two is returned. Where people are
    away for years, the clock goes on without them.
    """
    left, last = amount, start.astimezone(UTC)
    for opens, closes in open_spans(support, start):
        begin = max(opens, last)
        if closes - begin >= left:
            return begin + left
        left -= closes - begin
        last = closes
    return last + left


def business_time_between(support: SupportSpec, start: datetime, end: datetime) -> timedelta:
    """Return how much business time lies between two aware times."""
    total = timedelta()
    for opens, closes in open_spans(support, start):
        if opens >= end:
            break
        total += min(closes, end) - max(opens, start)
    return total


def open_spans(support: SupportSpec, after: datetime) -> Iterator[Span]:
    """Yield when people are there, in UTC and in order, from the span in which `after` lies, or the next.

    Spans of days without a gap between them come one by one. Without `hours` a day is one span from midnight to
    midnight, so that holidays count there too.
    """
    zone = ZoneInfo(support.time_zone)
    day = after.astimezone(zone).date() - timedelta(days=1)
    last: datetime | None = None
    for _ in range(MAX_DAYS):
        for opens, closes in _spans_of(support, day, zone):
            # Where the clocks go forward, a time that does not exist lies an hour later, perhaps in the next span.
            begin = max(opens, last) if last else opens
            if closes > after and begin < closes:
                yield begin, closes
                last = closes
        day += timedelta(days=1)


def _spans_of(support: SupportSpec, day: date, zone: ZoneInfo) -> Iterator[Span]:
    if day in support.holidays:
        return
    whole_day = ["00:00-24:00"]
    intervals = whole_day if support.hours is None else support.hours.get(DAYS[day.weekday()], [])
    for interval in intervals:
        opens, closes = (_to_utc(day, bound, zone) for bound in interval.split("-"))
        if opens < closes:
            yield opens, closes


def _to_utc(day: date, bound: str, zone: ZoneInfo) -> datetime:
    if bound == "24:00":
        day, bound = day + timedelta(days=1), "00:00"
    return datetime.combine(day, time.fromisoformat(bound), tzinfo=zone).astimezone(UTC)
