"""What an answer means, and when a delivery is tried again."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum

from django.conf import settings

MAX_WAIT_SECONDS = 3600
JITTER = 0.2
RETRIED_STATUS_CODES = (408, 425, 429)


class Verdict(Enum):
    """What becomes of a delivery after an attempt."""

    DELIVERED = "delivered"
    RETRY = "retry"
    GIVE_UP = "give up"
    GONE = "gone"  # and the endpoint with it


@dataclass(frozen=True)
class Answer:
    """What came of one attempt.

    Attributes:
        status_code: None when no answer came.
        body: Its beginning, at most 1 KiB, as it came.
        error: What went wrong with connection or answer, in words; empty when nothing did.
        retry_after_seconds: What the receiver asked for.
        is_final: Trying again cannot help, such as with an address that is refused.
        is_ours: It was this site that failed; the receiver needs no time to recover.
        duration_ms: From the look-up of the name to the end of the answer.
    """

    status_code: int | None = None
    body: bytes = b""
    error: str = ""
    retry_after_seconds: float | None = None
    is_final: bool = False
    is_ours: bool = False
    duration_ms: int | None = None


def judge(answer: Answer) -> Verdict:
    """Return what an answer means. The status decides alone: a receiver that has said 200 has the webhook.

    Source: issue of this feature; Standard Webhooks, "Operational considerations".
    """
    code = answer.status_code
    if code is None:
        return Verdict.GIVE_UP if answer.is_final else Verdict.RETRY
    if 200 <= code < 300:
        return Verdict.DELIVERED
    if code == 410:
        return Verdict.GONE
    if code in RETRIED_STATUS_CODES or 500 <= code < 600:
        return Verdict.RETRY
    return Verdict.GIVE_UP


def next_attempt_at(
    tries: int, *, now: datetime, retry_after_seconds: float | None = None
) -> datetime | None:
    """Return when a failed delivery is tried again.

    Args:
        tries: Attempts made since the delivery was queued; 1 after the first failure.
        now: Aware UTC time of that failure.
        retry_after_seconds: What the receiver asked for. Waited for if it is longer than the plan, up to an hour.

    Returns:
        An aware UTC time, or None when the plan is used up and the delivery is dead.

    Raises:
        ValueError: `tries` is below 1.

    Source: waits from settings.WEBHOOK_RETRY_SECONDS, each 20 % shorter or longer by chance, so that what failed
    together does not come back together; reasons in docs/adr/0015.
    """
    if tries < 1:
        raise ValueError(f"tries is {tries}; a delivery that failed was tried at least once")
    plan = settings.WEBHOOK_RETRY_SECONDS
    if tries > len(plan):
        return None
    wait = plan[tries - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - guards nothing
    wait = max(wait, min(retry_after_seconds or 0, MAX_WAIT_SECONDS))
    return now + timedelta(seconds=wait)


def read_retry_after(value: str | None, *, now: datetime) -> float | None:
    """Return the seconds that a `Retry-After` asks for, by seconds or by date; None when it makes no sense.

    Source: RFC 9110, 10.2.3.
    """
    if value is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}", value):
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max((at - now).total_seconds(), 0.0)
