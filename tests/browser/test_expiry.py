"""An approval that nobody gives in time."""

import pytest
from playwright.sync_api import expect

from tests.browser.shots import shoot


@pytest.fixture(scope="module")
def site(seed):
    site = seed.make(worker=True, INTERRUPT_TTL_SECONDS=3, SWEEP_SECONDS=0.5)
    yield site
    seed.remove(site)


def test_approval_that_runs_out_leaves_all_as_it_was_and_can_be_asked_for_again(
    chat, open_desk, site
):
    chat.say("Cancel order 1043")
    chat.expect_card("expired")
    expect(chat.card.get_by_test_id("card-approve")).to_be_hidden()
    expect(chat.retry).to_contain_text("nothing was changed")
    expect(chat.tool("cancel_order")).to_have_attribute("data-status", "expired")
    shoot(chat.page, "chat-expired", dark=True)
    assert open_desk().order_status("1043") == "processing"

    chat.retry.get_by_role("button", name="Ask again").click()
    expect(chat.composer).to_have_value("Cancel order 1043")
    expect(chat.composer).to_be_focused()
    chat.composer.press("Enter")
    expect(chat.cards).to_have_count(2)


def test_expiry_is_shown_to_a_page_that_was_closed_meanwhile(chat):
    chat.say("Cancel order 1045")
    expect(chat.cards).to_have_count(1)
    chat.page.goto("about:blank")
    chat.open()
    expect(chat.retry).to_be_visible()
    chat.expect_card("expired")
