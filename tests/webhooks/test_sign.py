"""Signatures, checked by two libraries that are not ours, on what a real receiver got."""

import base64
import json
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from escalation.models import WebhookEndpoint
from escalation.services import deliveries, endpoints
from escalation.webhooks import signing
from tests.webhooks.receiver import Reply

NODE = Path(__file__).parent / "node"


def by_python(cases):
    results = []
    for case in cases:
        try:
            Webhook(case["secret"]).verify(case["body"], case["headers"])
            results.append("ok")
        except WebhookVerificationError as error:
            results.append(str(error))
    return results


@pytest.fixture(scope="session")
def node_folder(tmp_path_factory):
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not installed (apt install nodejs npm)")
    folder = tmp_path_factory.mktemp("node")
    for name in ("package.json", "verify.js"):
        shutil.copy(NODE / name, folder)
    install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(install, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(params=["python", "node"])
def verify(request):
    """What a library makes of cases: "ok", or its refusal, for each."""
    if request.param == "python":
        return by_python
    folder = request.getfixturevalue("node_folder")

    def by_node(cases):
        done = subprocess.run(
            ["node", "verify.js"],
            cwd=folder,
            input=json.dumps(cases),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return by_node


def as_case(request, secret):
    return {"secret": secret, "headers": request.headers, "body": request.body.decode()}


@pytest.fixture
def request_and_secret(endpoint, receiver, deliver):
    deliveries.send_test(endpoint, now=timezone.now())
    deliver()
    return receiver.requests[0], endpoint.clear_secret


def sign_at(now, secret, body=b'{"type":"endpoint.tested"}'):
    headers = signing.sign(body, webhook_id="msg_1", now=now, secrets=[secret])
    return {"secret": secret, "headers": headers, "body": body.decode()}


def test_what_is_sent_is_accepted(verify, request_and_secret):
    request, secret = request_and_secret
    assert request.headers["webhook-signature"].startswith("v1,")
    assert request.headers["content-type"] == "application/json"
    assert verify([as_case(request, secret)]) == ["ok"]


def test_what_was_tampered_with_is_refused(verify, request_and_secret):
    request, secret = request_and_secret
    good = as_case(request, secret)
    stranger = signing.make_secret()
    signature = good["headers"]["webhook-signature"]
    cases = [
        {**good, "body": good["body"] + " "},
        {**good, "headers": {**good["headers"], "webhook-id": "msg_other"}},
        {**good, "secret": stranger},
        {**good, "headers": {**good["headers"], "webhook-signature": signature[:-6] + "AAAAA="}},
        {
            **good,
            "headers": {**good["headers"], "webhook-signature": signature.replace("v1", "v2")},
        },
    ]
    assert verify(cases) == ["No matching signature found"] * len(cases)


def test_what_is_outdated_is_refused(verify):
    secret, now = signing.make_secret(), timezone.now()
    cases = [
        sign_at(now - timedelta(minutes=6), secret),
        sign_at(now + timedelta(minutes=6), secret),
        sign_at(now - timedelta(minutes=4), secret),
    ]
    old, new, fine = verify(cases)
    assert "too old" in old
    assert "too new" in new
    assert fine == "ok"


def test_changed_timestamp_is_refused(verify):
    case = sign_at(timezone.now(), signing.make_secret())
    later = str(int(case["headers"]["webhook-timestamp"]) + 1)
    case["headers"]["webhook-timestamp"] = later
    assert verify([case]) == ["No matching signature found"]


def test_both_secrets_are_accepted_while_one_is_rotated(verify, endpoint, receiver, deliver):
    now = timezone.now()
    new = endpoints.rotate_secret(endpoint, now=now)
    deliveries.send_test(endpoint, now=now)
    deliver()
    [request] = receiver.requests
    cases = [as_case(request, new), as_case(request, endpoint.clear_secret)]
    assert verify(cases) == ["ok", "ok"]
    assert len(request.headers["webhook-signature"].split(" ")) == 2


def test_old_secret_signs_no_longer_after_a_day(verify, endpoint, receiver, deliver):
    new = endpoints.rotate_secret(endpoint, now=timezone.now() - timedelta(hours=24, seconds=1))
    deliveries.send_test(endpoint, now=timezone.now())
    deliver()
    [request] = receiver.requests
    cases = [as_case(request, new), as_case(request, endpoint.clear_secret)]
    assert verify(cases) == ["ok", "No matching signature found"]


def test_every_kind_of_character_is_signed_as_it_is_sent(verify, endpoint, receiver, deliver):
    text = 'Grüße 📦 \u2028 \\ " \t \x7f 漢字'
    values = {"message_id": "m", "id": "m", "role": "customer", "content": text}
    from tests.factories import make_conversation

    conversation = make_conversation()
    deliveries.queue_event("message.created", values, now=timezone.now(), conversation=conversation)
    deliver()
    request = next(r for r in receiver.requests if b"message.created" in r.body)
    assert verify([as_case(request, endpoint.clear_secret)]) == ["ok"]
    assert json.loads(request.body)["data"]["message"]["content"] == text


def test_each_attempt_has_the_same_id_and_a_fresh_signature(endpoint, receiver, deliver):
    receiver.replies = [Reply(500), Reply()]
    deliveries.send_test(endpoint, now=timezone.now())
    deliver()
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert by_python([as_case(r, endpoint.clear_secret) for r in (first, second)]) == ["ok", "ok"]


def test_secrets_are_made_as_the_specification_says():
    secret = signing.make_secret()
    assert secret.startswith("whsec_")
    assert 24 <= len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) <= 64
    assert secret != signing.make_secret()


def test_secret_of_a_lost_key_is_a_visible_failure(settings, endpoint, receiver, deliver):
    settings.WEBHOOK_SECRET_KEYS = ["another key of more than 32 characters"]
    delivery = deliveries.send_test(endpoint, now=timezone.now())
    deliver()
    delivery.refresh_from_db()
    assert delivery.status == "dead"
    assert "another WEBHOOK_SECRET_KEY" in delivery.error
    assert receiver.requests == []


def test_old_keys_still_decrypt(settings, endpoint, receiver, deliver):
    settings.WEBHOOK_SECRET_KEYS = [
        "a new key of more than 32 characters",
        *settings.WEBHOOK_SECRET_KEYS,
    ]
    deliveries.send_test(endpoint, now=timezone.now())
    deliver()
    assert by_python([as_case(receiver.requests[0], endpoint.clear_secret)]) == ["ok"]
    stored = WebhookEndpoint.objects.get().secret
    assert endpoint.clear_secret not in stored
