"""The conversation outlives what happens to the connection, and the customer moves between conversations."""

from playwright.sync_api import expect

from tests.browser.chat import Chat
from tests.browser.shots import shoot


def test_new_conversation_starts_empty_and_the_old_one_can_be_returned_to(chat):
    chat.ask("How can I pay?")
    old = chat.read()
    chat.page.get_by_test_id("new-conversation").click()
    expect(chat.customers).to_have_count(0)
    expect(chat.page.get_by_test_id("suggestion").first).to_be_visible()
    expect(chat.composer).to_be_focused()
    chat.page.get_by_test_id("previous-conversation").click()
    chat.expect_answers(1)
    assert chat.read() == old


def test_suggested_question_is_asked_by_one_click(chat):
    question = chat.page.get_by_test_id("suggestion").first
    text = question.inner_text()
    question.click()
    expect(chat.customers).to_contain_text(text)
    chat.expect_answers(1)
    expect(chat.page.get_by_test_id("suggestion").first).to_be_hidden()


def test_restart_of_the_server_is_survived_with_all_that_was_said(chat, site):
    chat.ask("How can I pay?")
    chat.say("Cancel order 1045")
    chat.expect_card("pending")
    before = chat.read()

    site.stop()
    expect(chat.page.get_by_test_id("connection")).to_have_attribute("data-state", "reconnecting")
    chat.composer.fill("Where is my order 1042?")
    chat.composer.press("Enter")
    expect(chat.customers.last).to_have_attribute("data-delivery", "waiting")
    shoot(chat.page, "chat-reconnecting")
    site.start()

    # Nothing is asked of the customer: it connects, resumes, and sends what was kept.
    chat.expect_online()
    expect(chat.customers.last).to_have_attribute("data-delivery", "accepted")
    expect(chat.expect_answers(2)).to_contain_text("00340434161094042557")
    chat.expect_card("superseded")
    assert chat.read()[: len(before)] == before
    refused = [problem for problem in chat.page.problems if "ERR_CONNECTION_REFUSED" in problem]
    assert chat.page.problems == refused
    chat.page.problems.clear()  # a browser reports each try while nobody listens


def test_a_wish_for_a_person_is_kept_until_there_is_a_connection(chat, site):
    site.stop()
    expect(chat.page.get_by_test_id("connection")).to_have_attribute("data-state", "reconnecting")
    chat.page.get_by_test_id("talk-to-person").click()
    site.start()
    chat.expect_online()
    expect(chat.page.get_by_test_id("waiting-time")).to_be_visible()
    chat.page.problems.clear()  # a browser reports each try while nobody listens


def test_two_tabs_show_one_conversation_and_one_decision(chat, site):
    chat.say("Give me 5 percent off order 1045")
    chat.expect_card("pending")
    other = Chat(chat.page.context.new_page(), site).open()
    other.expect_card("pending")
    other.approve()
    chat.expect_card("approved")
    expect(chat.tool("apply_discount")).to_have_attribute("data-status", "ok")
    chat.expect_answers(1)
    other.expect_answers(1)
    assert chat.read() == other.read()


def test_other_visitor_sees_nothing_of_it(chat, open_page, site):
    chat.ask("How can I pay?")
    stranger = Chat(open_page(), site).open()
    expect(stranger.customers).to_have_count(0)
