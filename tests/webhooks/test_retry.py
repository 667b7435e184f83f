"""When a failed delivery is tried again, and what a receiver's answer means."""

from datetime import UTC, datetime

import pytest

from escalation.webhooks.retries import Answer, Verdict, judge, next_attempt_at, read_retry_after

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def plan(settings):
    settings.WEBHOOK_RETRY_SECONDS = [5, 60, 600]


def waits(tries, count=300, **values):
    return [(next_attempt_at(tries, now=NOW, **values) - NOW).total_seconds() for _ in range(count)]


@pytest.mark.parametrize(("tries", "planned"), [(1, 5), (2, 60), (3, 600)])
def test_waits_follow_the_plan_give_or_take_a_fifth(tries, planned):
    found = waits(tries)
    assert 0.8 * planned <= min(found) < 0.9 * planned
    assert 1.1 * planned < max(found) <= 1.2 * planned


def test_fourth_failure_is_the_last():
    assert next_attempt_at(4, now=NOW) is None


def test_failure_without_an_attempt_is_a_mistake():
    with pytest.raises(ValueError, match="at least once"):
        next_attempt_at(0, now=NOW)


@pytest.mark.parametrize(("asked", "waited"), [(120, 120), (3600, 3600), (86_400, 3600)])
def test_longer_retry_after_is_honoured_up_to_an_hour(asked, waited):
    assert waits(1, count=1, retry_after_seconds=asked) == [waited]


def test_shorter_retry_after_does_not_hurry_the_plan():
    assert min(waits(2, retry_after_seconds=1)) >= 48


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("120", 120),
        ("0", 0),
        ("Sun, 22 Nov 2026 12:02:00 GMT", 120),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0),
        ("Sun, 22 Nov 2026 12:02:00 -0000", 120),
        ("soon", None),
        ("-5", None),
        ("1e9", None),
        ("inf", None),
        ("9" * 5000, None),
        ("", None),
    ],
)
def test_retry_after_is_read_by_seconds_and_by_date(value, seconds):
    assert read_retry_after(value, now=NOW) == seconds


@pytest.mark.parametrize(
    ("codes", "verdict"),
    [
        ((200, 201, 202, 204, 299), Verdict.DELIVERED),
        ((408, 425, 429, 500, 502, 503, 504, 599), Verdict.RETRY),
        ((101, 300, 301, 302, 307, 308, 400, 401, 403, 404, 409, 422, 600, 999), Verdict.GIVE_UP),
        ((410,), Verdict.GONE),
    ],
)
def test_status_decides(codes, verdict):
    assert {judge(Answer(status_code=code)) for code in codes} == {verdict}


def test_no_answer_is_tried_again_and_a_refused_address_is_not():
    assert judge(Answer(error="no connection")) is Verdict.RETRY
    assert judge(Answer(error="private", is_final=True)) is Verdict.GIVE_UP
