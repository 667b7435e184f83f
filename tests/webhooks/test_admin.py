"""Endpoints and deliveries in admin: Sam may manage them, Olga may not, also by direct request."""

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone
from standardwebhooks import Webhook

from escalation.models import WebhookDelivery, WebhookEndpoint
from escalation.services import deliveries
from tests.webhooks.receiver import Reply

INDEX = reverse("admin:index")
ADD = reverse("admin:escalation_webhookendpoint_add")
MANAGE = ("view", "add", "change")


@pytest.fixture(autouse=True)
def as_on_the_site(settings):
    from supportsite.unfold import UNFOLD

    settings.UNFOLD = UNFOLD


def log_in(client, name, *codenames):
    user = User.objects.create_user(name, password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
    return client


@pytest.fixture
def as_sam(client, transactional_db):
    names = [f"{verb}_webhook{noun}" for verb in MANAGE for noun in ("endpoint", "delivery")]
    return log_in(client, "sam", *names)


@pytest.fixture
def as_olga(client, transactional_db):
    """She may look, and no more."""
    return log_in(client, "olga", "view_webhookendpoint", "view_webhookdelivery")


def url_of(row, verb):
    return reverse(f"admin:escalation_{row._meta.model_name}_{verb}", args=[row.pk])


def add(client, **values):
    form = {
        "url": "https://crm.example.com/hooks",
        "description": "The CRM",
        "event_types": ["message.created"],
        "is_enabled": "on",
        **values,
    }
    return client.post(ADD, form)


def shown_secret(page):
    return re.search(r'id="secret">(whsec_[^<]+)<', page.content.decode())[1]


def make_dead(endpoint, receiver, deliver):
    receiver.replies = [Reply(404)]
    delivery = deliveries.send_test(endpoint, now=timezone.now())
    deliver()
    delivery.refresh_from_db()
    assert delivery.status == "dead"
    return delivery


def test_new_endpoint_shows_its_secret_once(as_sam):
    page = add(as_sam)
    secret = shown_secret(page)
    assert "no-store" in page["Cache-Control"]
    endpoint = WebhookEndpoint.objects.get()
    assert endpoint.event_types == ["message.created"]
    assert secret not in endpoint.secret
    for path in (
        url_of(endpoint, "change"),
        reverse("admin:escalation_webhookendpoint_changelist"),
    ):
        assert "whsec_" not in as_sam.get(path).content.decode()


def test_secret_is_encrypted_in_the_database(make_endpoint):
    endpoint = make_endpoint()
    assert endpoint.clear_secret not in endpoint.secret
    assert "whsec_" not in endpoint.secret


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("http://crm.example.com/", "begin with https://"),
        ("https://10.0.0.1/", "private"),
        ("https://user:pass@crm.example.com/", "no name or password"),
        ("https://2130706433/", "four numbers with dots"),
        ("ftp://crm.example.com/", "begin with https://"),
        ("crm.example.com", "names no host"),
    ],
)
def test_bad_url_is_refused_with_what_would_be_right(as_sam, settings, url, advice):
    settings.WEBHOOK_ALLOW_HTTP = False
    page = add(as_sam, url=url).content.decode()
    assert advice in page
    assert not WebhookEndpoint.objects.exists()


def test_rotation_shows_the_new_secret_and_keeps_the_old_one_for_a_day(
    as_sam, make_endpoint, receiver, deliver
):
    endpoint = make_endpoint()
    new = shown_secret(as_sam.post(url_of(endpoint, "rotate")))
    assert new != endpoint.clear_secret
    as_sam.post(url_of(endpoint, "test"))
    deliver()
    [request] = receiver.requests
    for secret in (new, endpoint.clear_secret):
        Webhook(secret).verify(request.body, request.headers)


def test_second_rotation_waits_for_the_first(as_sam, make_endpoint):
    endpoint = make_endpoint()
    as_sam.post(url_of(endpoint, "rotate"))
    page = as_sam.post(url_of(endpoint, "rotate"), follow=True).content.decode()
    assert "forget the old one first" in page
    as_sam.post(url_of(endpoint, "forget"))
    assert "whsec_" in as_sam.post(url_of(endpoint, "rotate")).content.decode()


def test_test_event_goes_out_and_its_page_shows_the_attempt(as_sam, endpoint, receiver, deliver):
    receiver.replies = [Reply(500, body=b"<b>out of order</b>"), Reply()]
    page = as_sam.post(url_of(endpoint, "test"))
    deliver()
    text = as_sam.get(page["Location"]).content.decode()
    assert "&lt;b&gt;out of order&lt;/b&gt;" in text
    assert "Delivered" in text
    assert "endpoint.tested" in text


def test_disabled_endpoint_says_what_to_do_before_a_test(as_sam, make_endpoint):
    endpoint = make_endpoint(is_enabled=False)
    page = as_sam.post(url_of(endpoint, "test"), follow=True).content.decode()
    assert "enable it before you send a test event" in page


def test_dead_letters_stand_on_the_first_page_and_in_every_sidebar(
    as_sam, endpoint, receiver, deliver
):
    make_dead(endpoint, receiver, deliver)
    page = as_sam.get(INDEX).content.decode()
    assert "Webhooks need somebody" in page
    assert "<b>1</b> dead letter:" in page
    link = re.search(r'href="([^"]*status__exact=dead[^"]*)"', page)[1].replace("&amp;", "&")
    assert "endpoint.tested" in as_sam.get(link).content.decode()


def test_disabled_endpoint_stands_on_the_first_page_with_its_reason(
    as_sam, endpoint, receiver, deliver
):
    receiver.replies = [Reply(410)]
    deliveries.send_test(endpoint, now=timezone.now())
    deliver()
    assert "It answered 410" in as_sam.get(INDEX).content.decode()


def test_first_page_is_quiet_when_nothing_is_dead(as_sam, endpoint):
    assert "Webhooks need somebody" not in as_sam.get(INDEX).content.decode()


def test_send_again_keeps_id_and_bytes(as_sam, endpoint, receiver, deliver):
    delivery = make_dead(endpoint, receiver, deliver)
    receiver.replies = [Reply()]
    as_sam.post(url_of(delivery, "settle"), {"verb": "again"})
    deliver()
    delivery.refresh_from_db()
    assert delivery.status == "delivered"
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


def test_send_again_for_a_disabled_endpoint_changes_nothing(as_sam, endpoint, receiver, deliver):
    delivery = make_dead(endpoint, receiver, deliver)
    WebhookEndpoint.objects.update(is_enabled=False)
    page = as_sam.post(url_of(delivery, "settle"), {"verb": "again"}, follow=True)
    assert "their endpoint is disabled" in page.content.decode()
    delivery.refresh_from_db()
    assert delivery.status == "dead"


def test_dead_letters_are_sent_again_from_the_list(as_sam, endpoint, receiver, deliver):
    delivery = make_dead(endpoint, receiver, deliver)
    chosen = {"action": "send_again", "_selected_action": str(delivery.pk)}
    as_sam.post(reverse("admin:escalation_webhookdelivery_changelist"), chosen)
    delivery.refresh_from_db()
    assert delivery.status == "pending"
    assert delivery.tries == 0


def test_dismissed_dead_letter_leaves_the_first_page(as_sam, endpoint, receiver, deliver):
    delivery = make_dead(endpoint, receiver, deliver)
    as_sam.post(url_of(delivery, "settle"), {"verb": "dismiss"})
    assert "Webhooks need somebody" not in as_sam.get(INDEX).content.decode()
    delivery.refresh_from_db()
    assert delivery.status == "dead"


def test_what_staff_disable_leaves_a_dead_letter_and_no_queue(as_sam, endpoint):
    deliveries.send_test(endpoint, now=timezone.now())
    form = {"url": endpoint.url, "description": "", "event_types": ["message.created"]}
    page = as_sam.post(url_of(endpoint, "change"), form)
    assert page.status_code == 302
    assert WebhookDelivery.objects.get().status == "dead"


def test_olga_sees_and_changes_nothing(as_olga, endpoint, receiver, deliver):
    delivery = make_dead(endpoint, receiver, deliver)
    for row in (endpoint, delivery):
        assert as_olga.get(url_of(row, "change")).status_code == 200
    assert add(as_olga).status_code == 403
    for verb in ("test", "rotate", "forget"):
        assert as_olga.post(url_of(endpoint, verb)).status_code == 403
    form = {"url": endpoint.url, "description": "Hers", "event_types": ["message.created"]}
    assert as_olga.post(url_of(endpoint, "change"), form).status_code == 403
    for verb in ("again", "dismiss"):
        assert as_olga.post(url_of(delivery, "settle"), {"verb": verb}).status_code == 403
        action = {"again": "send_again"}.get(verb, verb)
        chosen = {"action": action, "_selected_action": str(delivery.pk)}
        as_olga.post(reverse("admin:escalation_webhookdelivery_changelist"), chosen)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.dismissed_at) == ("dead", None)
    assert WebhookEndpoint.objects.get().description == ""


def test_staff_without_any_permission_are_refused(client, endpoint):
    log_in(client, "new")
    for name in ("webhookendpoint", "webhookdelivery"):
        assert client.get(reverse(f"admin:escalation_{name}_changelist")).status_code == 403
    assert "Webhooks need" not in client.get(INDEX).content.decode()


def test_nothing_is_done_by_a_link(as_sam, endpoint):
    for verb in ("test", "rotate", "forget"):
        assert as_sam.get(url_of(endpoint, verb)).status_code == 405


def test_endpoint_is_disabled_and_never_deleted(as_sam, endpoint):
    assert as_sam.post(url_of(endpoint, "delete"), {"post": "yes"}).status_code == 403
