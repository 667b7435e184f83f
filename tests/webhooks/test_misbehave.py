"""Every way in which a receiver misbehaves, and what becomes of the delivery."""

import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.utils import timezone

from escalation.models import WebhookDelivery
from escalation.services import deliveries
from tests.webhooks import cases
from tests.webhooks.cases import CASES
from tests.webhooks.receiver import Receiver


@pytest.fixture(scope="module")
def bad_tls(tmp_path_factory):
    """A server's TLS with a certificate of its own making."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@pytest.fixture
def play(request, make_endpoint, deliver):
    """Let a case happen, to its end; returns its delivery and the receiver."""

    def run(case):
        receiver = Receiver(ssl=request.getfixturevalue("bad_tls") if case.is_tls else None)
        request.addfinalizer(receiver.stop)
        receiver.replies = list(case.replies)
        delivery = deliveries.send_test(make_endpoint(url=receiver.url), now=timezone.now())
        for _ in range(5):
            deliver()
            # What waits for its time gets it now.
            WebhookDelivery.objects.filter(status="pending").update(next_attempt_at=timezone.now())
        delivery.refresh_from_db()
        return delivery, receiver

    return run


@pytest.mark.parametrize("name", CASES)
def test_delivery_ends_as_the_table_says(play, name):
    case = CASES[name]
    delivery, receiver = play(case)
    attempts = list(delivery.attempts.order_by("number"))
    assert [attempt.status_code for attempt in attempts] == case.codes
    assert delivery.status == ("delivered" if case.state == cases.DELIVERED else "dead")
    assert case.error in delivery.error
    assert delivery.endpoint.is_enabled == (case.endpoint == cases.ON)
    assert all(len(attempt.answer.encode()) <= 3 * 1024 for attempt in attempts)
    assert all(attempt.duration_ms is not None for attempt in attempts)
    if case.reaches_receiver:
        sent = {(r.headers["webhook-id"], r.body) for r in receiver.requests}
        assert sent == {(delivery.webhook_id, bytes(delivery.body))}
        assert len(receiver.requests) == len(attempts)


def test_what_is_read_of_an_answer_is_bounded_in_memory(play):
    delivery, _ = play(CASES["200 with 1 GiB"])
    attempt = delivery.attempts.get()
    assert "more than 65536 bytes came" in attempt.error
    assert len(attempt.answer) == 1024


def test_redirect_is_not_followed(make_endpoint, receiver, deliver):
    elsewhere = receiver.url.replace("/hook", "/elsewhere")
    receiver.replies = [cases.Reply(302, {"location": elsewhere})]
    deliveries.send_test(make_endpoint(), now=timezone.now())
    deliver()
    assert [request.path for request in receiver.requests] == ["/hook"]


def test_retry_after_is_waited_for(make_endpoint, receiver, deliver):
    receiver.replies = [cases.Reply(429, {"retry-after": "120"})]
    before = timezone.now()
    delivery = deliveries.send_test(make_endpoint(), now=before)
    deliver()
    delivery.refresh_from_db()
    assert delivery.status == "pending"
    assert delivery.attempt_count == 1
    assert delivery.next_attempt_at >= before + timedelta(seconds=120)


def test_cookies_are_not_sent_back(make_endpoint, receiver, deliver):
    receiver.replies = [cases.Reply(500, {"set-cookie": "a=b; Path=/"}), cases.Reply()]
    deliveries.send_test(make_endpoint(), now=timezone.now())
    deliver()
    assert len(receiver.requests) == 2
    assert all("cookie" not in request.headers for request in receiver.requests)


def test_proxies_of_the_environment_are_not_used(make_endpoint, receiver, deliver, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    delivery = deliveries.send_test(make_endpoint(), now=timezone.now())
    deliver()
    delivery.refresh_from_db()
    assert delivery.status == "delivered"
    assert receiver.requests[0].path == "/hook"
