"""Whoever comes, and however: by keyboard, with a screen reader, in the dark, on a phone."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.chat import Chat
from tests.browser.shots import DESKTOP, PHONE, shoot

SCHEMES = ("light", "dark")


# Unfold's frame has no main landmark, which is advice and no rule of WCAG: its pages are held to the rules.
WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


def find_violations(page, options=None):
    results = Axe().run(page, options=options or {})
    return [
        (violation["id"], node["target"], node.get("failureSummary"))
        for violation in results.response["violations"]
        for node in violation["nodes"]
    ]


def overflows(page):
    """Whether the page can be scrolled sideways."""
    return page.evaluate("document.scrollingElement.scrollWidth > innerWidth")


def expect_well_made(page, *, is_admin=False):
    """Look for axe's violations and for sideways scrolling, by day and night, at a desk and on a phone."""
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for size in (DESKTOP, PHONE):
            page.set_viewport_size(size)
            if is_admin:
                page.reload()  # admin's theme is chosen when it is loaded
            assert not overflows(page), (scheme, size, page.url)
        assert find_violations(page, WCAG if is_admin else None) == [], (scheme, page.url)


def test_home_page_and_error_pages_are_well_made(page, site):
    page.goto(site.url + "/")
    expect(page.get_by_test_id("home-card-ecommerce")).to_be_visible()
    shoot(page, "home", dark=True, full=True)
    expect_well_made(page)
    cards = page.locator(".home-card")
    while cards.count():  # however many desks there are, they share the whole width
        page.set_viewport_size(DESKTOP)
        shoot(page, f"home-{cards.count()}")
        row = page.locator(".cards").bounding_box()
        last = cards.nth(min(cards.count(), 3) - 1).bounding_box()
        assert abs(last["x"] + last["width"] - row["x"] - row["width"]) < 2
        if cards.count() == 1:
            break
        cards.last.evaluate("card => card.remove()")
    page.get_by_test_id("home-card-ecommerce").get_by_role("link").click()
    page.wait_for_url(site.url + "/chat/ecommerce/")


def test_address_that_is_not_there_says_so(page, site):
    for path in ("/nothing/here/", "/chat/no-such-template/"):
        assert page.goto(site.url + path).status == 404
        expect(page.get_by_role("heading", name="Page not found")).to_be_visible()
    shoot(page, "not-found", dark=True)
    expect_well_made(page)
    page.get_by_role("link", name="Go to the start page").click()
    page.wait_for_url(site.url + "/")
    assert {problem.split()[0] for problem in page.problems} == {"404"}
    page.problems.clear()


def test_page_of_a_failure_needs_no_database(page, site):
    from django.template.loader import render_to_string

    html = render_to_string("500.html")
    page.route("**/failure/", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto(site.url + "/failure/")
    expect(page.get_by_role("heading", name="Something went wrong")).to_be_visible()
    expect_well_made(page)


def test_chat_is_well_made_in_each_state(chat):
    expect_well_made(chat.page)
    chat.ask("Where is my order 1042? And how can I pay?", count=2)
    chat.say("Cancel order 1045")
    chat.expect_card("pending")
    expect_well_made(chat.page)
    chat.decline()
    chat.expect_card("rejected")
    chat.say("Refund 99.80 EUR for order 1044")
    chat.expect_card("pending", approver="staff")
    chat.tool("refund_order").locator("summary").click()
    expect_well_made(chat.page)


def test_long_words_and_long_lists_do_not_widen_the_phone(open_page, site):
    chat = Chat(open_page(viewport=PHONE), site).open()
    chat.ask("x" * 600)
    chat.ask("Show me my orders")
    assert not overflows(chat.page)
    assert chat.page.locator("#scroller").evaluate("box => box.scrollWidth <= box.clientWidth")


@pytest.mark.parametrize("path", ["", "conversations/conversation/", "conversations/interrupt/"])
def test_admin_page_is_well_made(open_desk, path):
    desk = open_desk("sam").open(path)
    shoot(desk.page, f"admin-{path.strip('/').split('/')[-1] or 'overview'}-list")
    expect_well_made(desk.page, is_admin=True)


def test_timeline_is_well_made(chat, open_desk):
    chat.say("Refund 99.80 EUR for order 1044")
    chat.expect_card("pending", approver="staff")
    desk = open_desk("sam").open_conversation(chat.thread_id)
    expect_well_made(desk.page, is_admin=True)


def test_everything_can_be_done_by_keyboard(chat):
    page = chat.page
    page.reload()
    chat.expect_online()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the message box")).to_be_focused()
    page.keyboard.press("Enter")
    expect(chat.composer).to_be_focused()
    page.keyboard.type("Cancel order 1045")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("please")
    page.keyboard.press("Enter")
    chat.expect_card("pending")
    decline = chat.card.get_by_test_id("card-decline")
    press_until_focused(page, "Shift+Tab", decline)
    page.keyboard.press("Enter")
    chat.expect_card("rejected")
    expect(chat.card).to_be_focused()  # not lost to the top of the page
    press_until_focused(page, "Tab", chat.composer)
    page.keyboard.type("thanks")
    page.keyboard.press("Enter")
    chat.expect_answers(2)
    press_until_focused(page, "Shift+Tab", page.get_by_test_id("new-conversation"))
    page.keyboard.press("Enter")
    expect(chat.customers).to_have_count(0)
    expect(chat.composer).to_be_focused()


def press_until_focused(page, key, wanted, at_most=20):
    for _ in range(at_most):
        page.keyboard.press(key)
        if wanted.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError(f"{at_most} times {key} did not lead to {wanted}")


def test_answers_and_approvals_are_read_out(chat):
    announcer = chat.page.locator("#announcer")
    chat.say("Cancel order 1045")
    expect(announcer).to_contain_text("Your approval is needed. Cancel order 1045")
    chat.decline()
    expect(announcer).to_contain_text("nothing was changed")
