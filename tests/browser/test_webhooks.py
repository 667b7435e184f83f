"""An endpoint in Chromium: made, tried out, and seen to when something died."""

import pytest
from standardwebhooks import Webhook

from tests.webhooks.receiver import Receiver, Reply

SITE = {
    "WEBHOOK_ALLOW_HTTP": "true",
    "WEBHOOK_ALLOWED_HOSTS": "127.0.0.1",
    "SWEEP_SECONDS": "0.5",
}


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.stop()


@pytest.fixture
def desk(page, make_site):
    site = make_site(worker=True, **SITE)
    name, password = site.staff
    page.goto(site.url + "/admin/")
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")
    page.wait_for_url(site.url + "/admin/")
    page.site = site
    return page


def wait_for_text(page, text):
    """Load the page anew until it says this: what comes of an attempt is not pushed."""
    for _ in range(100):
        if page.get_by_text(text).count():
            return
        page.reload()
    raise AssertionError(f"the page never said {text!r}")


def test_endpoint_is_made_tried_and_seen_to(desk, receiver):
    receiver.replies = [Reply(404), Reply()]
    desk.goto(desk.site.url + "/admin/escalation/webhookendpoint/add/")
    desk.fill("input[name=url]", receiver.url)
    desk.fill("input[name=description]", "The CRM")
    desk.check("input[name=event_types][value='message.created']")
    desk.get_by_role("button", name="Save", exact=True).click()
    secret = desk.locator("#secret").inner_text()
    desk.get_by_text("I have copied it").click()
    desk.get_by_role("button", name="Send test event").click()
    wait_for_text(desk, "The receiver answered 404.")
    delivery = desk.url
    desk.goto(desk.site.url + "/admin/")
    alarm = desk.get_by_role("alert")
    assert "1 dead letter" in alarm.inner_text()
    alarm.get_by_text("Look at it").click()
    assert "endpoint.tested" in desk.locator("#result_list").inner_text()
    desk.goto(delivery)
    desk.get_by_role("button", name="Send again").click()
    first, second = receiver.wait_for(2)
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert Webhook(secret).verify(second.body, second.headers)["type"] == "endpoint.tested"
    wait_for_text(desk, "Delivered")
    desk.goto(desk.site.url + "/admin/")
    assert desk.get_by_role("alert").count() == 0
    assert [text for text in desk.problems if "404" not in text] == []
