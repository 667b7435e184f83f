"""Claims: two at once for an endpoint, one process for a delivery, and none lost with a process."""

from datetime import timedelta

import pytest
from django.utils import timezone

from escalation import alerts
from escalation.models import WebhookDelivery, WebhookEndpoint
from escalation.services import attempts, deliveries
from escalation.webhooks.retries import Answer
from tests.conversations.race import race


@pytest.fixture
def told():
    told = []
    alerts.subscribe(told.append)
    yield told
    alerts._listeners.remove(told.append)


def send(endpoint, count=1):
    return [deliveries.send_test(endpoint, now=timezone.now()) for _ in range(count)]


def lapse(delivery):
    past = timezone.now() - timedelta(seconds=1)
    WebhookDelivery.objects.filter(pk=delivery.pk).update(lease_expires_at=past)


def test_at_most_two_are_under_way_for_an_endpoint(endpoint):
    send(endpoint, 5)
    claims = [attempts.claim_next(endpoint.pk) for _ in range(3)]
    assert [claim is not None for claim in claims] == [True, True, False]
    attempts.record(claims[0], Answer(status_code=200))
    assert attempts.claim_next(endpoint.pk)


def test_one_endpoint_takes_no_place_of_another(make_endpoint):
    first, second = make_endpoint(), make_endpoint()
    send(first, 3)
    send(second, 1)
    attempts.claim_next(first.pk)
    attempts.claim_next(first.pk)
    assert attempts.claim_next(second.pk)


def test_of_many_who_claim_at_once_two_win_different_deliveries(endpoint):
    send(endpoint, 5)
    won = [c for c in race(*[lambda: attempts.claim_next(endpoint.pk)] * 6) if c is not None]
    assert all(isinstance(claim, attempts.Claim) for claim in won), won
    assert len({claim.delivery_id for claim in won}) == len(won) == 2


def test_one_delivery_is_claimed_once(endpoint):
    send(endpoint)
    won = [c for c in race(*[lambda: attempts.claim_next(endpoint.pk)] * 4) if c is not None]
    assert len(won) == 1


def test_attempt_is_stored_before_anything_is_sent(endpoint):
    [delivery] = send(endpoint)
    claim = attempts.claim_next(endpoint.pk)
    attempt = delivery.attempts.get()
    assert (attempt.number, attempt.status_code, attempt.duration_ms) == (claim.number, None, None)


def test_delivery_of_a_dead_process_is_taken_up_and_the_try_counts(endpoint):
    [delivery] = send(endpoint)
    for number in range(1, 5):
        assert attempts.claim_next(endpoint.pk).number == number
        lapse(delivery)
        assert attempts.recover_lapsed() == 1
    delivery.refresh_from_db()
    assert (delivery.status, delivery.tries) == ("dead", 4)
    assert attempts.claim_next(endpoint.pk) is None
    assert "whether it arrived is not known" in delivery.error


def test_two_sweeps_at_once_take_a_delivery_up_once(endpoint):
    [delivery] = send(endpoint)
    attempts.claim_next(endpoint.pk)
    lapse(delivery)
    assert sorted(race(*[attempts.recover_lapsed] * 3)) == [0, 0, 1]


def test_process_that_slept_past_its_lease_changes_nothing(endpoint):
    [delivery] = send(endpoint)
    slow = attempts.claim_next(endpoint.pk)
    lapse(delivery)
    attempts.recover_lapsed()
    quick = attempts.claim_next(endpoint.pk)
    assert not attempts.record(slow, Answer(status_code=500))
    assert attempts.record(quick, Answer(status_code=200))
    delivery.refresh_from_db()
    assert delivery.status == "delivered"


def die(endpoint, count):
    for _ in range(count):
        send(endpoint)
        claim = attempts.claim_next(endpoint.pk)
        attempts.record(claim, Answer(status_code=404))


def test_twenty_dead_in_a_row_disable_the_endpoint_and_say_so(endpoint, told):
    die(endpoint, 19)
    send(endpoint, 1)
    assert WebhookEndpoint.objects.get().is_enabled
    waiting = send(endpoint, 2)
    attempts.record(attempts.claim_next(endpoint.pk), Answer(status_code=404))
    row = WebhookEndpoint.objects.get()
    assert not row.is_enabled
    assert row.disabled_reason == "20 deliveries in a row have failed for good."
    assert [alert.name for alert in told].count("webhook_endpoint.disabled") == 1
    assert [alert.name for alert in told].count("webhook_delivery.died") == 20
    # What waited is dead with it, and visible.
    statuses = WebhookDelivery.objects.filter(pk__in=[row.pk for row in waiting])
    assert {row.status for row in statuses} == {"dead"}


def test_one_delivered_between_begins_the_count_anew(endpoint):
    die(endpoint, 19)
    send(endpoint)
    attempts.record(attempts.claim_next(endpoint.pk), Answer(status_code=200))
    die(endpoint, 19)
    assert WebhookEndpoint.objects.get().is_enabled


def test_alert_is_logged_as_an_error(endpoint, caplog):
    die(endpoint, 1)
    [record] = [r for r in caplog.records if r.name == "escalation.subscribers"]
    assert record.levelname == "ERROR"
    assert "endpoint.tested could not be delivered" in record.getMessage()


def test_enabling_begins_the_count_anew(endpoint):
    from escalation.services.endpoints import change_endpoint

    die(endpoint, 20)
    endpoint.refresh_from_db()
    values = {"url": endpoint.url, "event_types": ["message.created"], "description": ""}
    change_endpoint(endpoint, **values, is_enabled=True)
    assert (endpoint.dead_in_a_row, endpoint.disabled_reason) == (0, "")
    dead = WebhookDelivery.objects.all()
    assert deliveries.send_again(dead, now=timezone.now()) == 20
