"""Business time against a clock that walks minute by minute."""

import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from agents.spec import SupportSpec
from escalation.services import clocks
from escalation.services.words import say_when

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")
MINUTE = timedelta(minutes=1)
BERLIN = ZoneInfo("Europe/Berlin")


def office(**values):
    return SupportSpec(
        time_zone="Europe/Berlin",
        hours={day: ["09:00-12:30", "13:30-18:00"] for day in WEEK[:5]},
        **values,
    )


def at(text, zone=BERLIN):
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def is_open_by_the_wall(support, moment):
    """Look at a clock on the wall of the office, as a person would."""
    local = moment.astimezone(ZoneInfo(support.time_zone))
    if local.date() in support.holidays:
        return False
    if support.hours is None:
        return True
    now = f"{local:%H:%M}"
    for interval in support.hours.get(WEEK[local.weekday()], []):
        opens, closes = interval.split("-")
        if opens <= now < closes:
            return True
    return False


def walk(support, start, minutes):
    """Return when so many open minutes have passed, minute by minute."""
    moment = start
    while True:
        if is_open_by_the_wall(support, moment):
            if minutes == 0:
                return moment
            minutes -= 1
            if minutes == 0:
                return moment + MINUTE
        moment += MINUTE


def random_hours(chance):
    hours = {}
    for day in WEEK:
        if chance.random() < 0.7:
            bounds = sorted(chance.sample(range(1, 24 * 4), 2 * chance.randint(1, 3)))
            texts = [f"{b // 4:02}:{b % 4 * 15:02}" for b in bounds]
            hours[day] = [f"{a}-{b}" for a, b in zip(texts[::2], texts[1::2], strict=True)]
    return hours or {"wed": ["00:00-24:00"]}


def random_case(seed):
    chance = random.Random(seed)
    start = datetime(2026, chance.randint(1, 12), chance.randint(1, 28), tzinfo=UTC)
    start += timedelta(minutes=chance.randrange(24 * 60))
    support = SupportSpec(
        time_zone=chance.choice(ZONES),
        hours=random_hours(chance) if chance.random() < 0.9 else None,
        holidays=[(start + timedelta(days=chance.randint(0, 5))).date() for _ in range(2)],
    )
    return support, start, chance.randint(1, 900)


@pytest.mark.parametrize("seed", range(60))
def test_business_time_is_what_a_clock_on_the_wall_counts(seed):
    support, start, minutes = random_case(seed)
    due = clocks.add_business_time(support, start, timedelta(minutes=minutes))
    assert due == walk(support, start, minutes)
    assert clocks.business_time_between(support, start, due) == timedelta(minutes=minutes)
    assert clocks.is_open(support, start) == is_open_by_the_wall(support, start)


@pytest.mark.parametrize("seed", range(60, 90))
def test_more_time_is_never_due_earlier(seed):
    support, start, minutes = random_case(seed)
    one, more = (
        clocks.add_business_time(support, start, timedelta(minutes=m))
        for m in (minutes, minutes + 7)
    )
    later = clocks.add_business_time(support, start + 5 * MINUTE, timedelta(minutes=minutes))
    assert start <= one < more
    assert one <= later


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/Berlin", "2026-03-29"),
        ("Europe/Berlin", "2026-10-25"),
        ("America/New_York", "2026-03-08"),
        ("America/New_York", "2026-11-01"),
        ("Australia/Lord_Howe", "2026-04-05"),
        ("Australia/Lord_Howe", "2026-10-04"),
    ],
)
def test_a_day_on_which_the_clocks_change_is_as_long_as_it_is(zone, day):
    support = SupportSpec(time_zone=zone, hours={name: ["00:00-24:00"] for name in WEEK})
    start = at(f"{day}T00:00", ZoneInfo(zone))
    length = clocks.business_time_between(support, start, start + timedelta(days=1))
    assert length == (start + timedelta(days=1)).astimezone(UTC) - start.astimezone(UTC)
    assert length != timedelta(days=1)


def test_an_interval_in_the_hour_that_does_not_exist_counts_no_minute_twice():
    support = SupportSpec(time_zone="Europe/Berlin", hours={"sun": ["02:15-02:45", "03:00-04:00"]})
    start = at("2026-03-29T00:00")
    total = clocks.business_time_between(support, start, start + timedelta(days=1))
    assert total <= timedelta(hours=1)


def test_lunch_and_the_night_do_not_count():
    due = clocks.add_business_time(office(), at("2026-11-26T12:00"), timedelta(hours=1))
    assert due == at("2026-11-26T14:00")
    due = clocks.add_business_time(office(), at("2026-11-27T17:30"), timedelta(hours=1))
    assert due == at("2026-11-30T09:30")


def test_holidays_do_not_count():
    support = office(holidays=[date(2026, 12, 25), date(2026, 12, 28)])
    due = clocks.add_business_time(support, at("2026-12-24T17:30"), timedelta(hours=1))
    assert due == at("2026-12-29T09:30")


def test_without_hours_people_are_always_there():
    always = SupportSpec()
    now = at("2026-11-28T03:00")
    assert clocks.is_open(always, now)
    assert clocks.find_opening(always, now) == now
    assert clocks.add_business_time(always, now, timedelta(hours=30)) == now + timedelta(hours=30)


def test_the_end_of_an_interval_is_closed_and_its_beginning_open():
    assert clocks.is_open(office(), at("2026-11-26T09:00"))
    assert not clocks.is_open(office(), at("2026-11-26T12:30"))
    assert clocks.find_opening(office(), at("2026-11-26T12:30")) == at("2026-11-26T13:30")


def test_people_who_are_away_for_ever_do_not_stop_the_clock():
    day = date(2026, 1, 1)
    closed = office(holidays=[day + timedelta(days=n) for n in range(clocks.MAX_DAYS + 100)])
    start = at("2026-01-02T10:00")
    assert clocks.find_opening(closed, start) is None
    assert clocks.add_business_time(closed, start, MINUTE) == start + MINUTE


@pytest.mark.parametrize(
    ("opens", "words"),
    [
        ("2026-11-26T13:30", "today at 13:30 (Europe/Berlin)"),
        ("2026-11-27T09:00", "tomorrow at 09:00 (Europe/Berlin)"),
        ("2026-11-30T09:00", "on Monday, 30 November at 09:00 (Europe/Berlin)"),
    ],
)
def test_an_opening_is_named_as_people_do(opens, words):
    assert say_when(office(), at(opens), at("2026-11-26T12:45")) == words
