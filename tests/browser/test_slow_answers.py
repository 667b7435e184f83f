"""An answer that takes its time: nothing of it is lost, wherever the customer goes meanwhile."""

import pytest
from playwright.sync_api import expect

from tests.browser.chat import Chat
from tests.browser.gated_model import GatedModel
from tests.browser.shots import shoot

PIECES = ("It left our **warehouse** yesterday, ", "is in Cologne today, ", "and arrives tomorrow.")
WHOLE = "It left our warehouse yesterday, is in Cologne today, and arrives tomorrow."
STORED = """
import json
from conversations.models import Message
said = Message.objects.filter(conversation__thread_id="{thread_id}").order_by("created_at", "id")
print(json.dumps([[message.role, message.content] for message in said]))
"""


@pytest.fixture(scope="module")
def model():
    with GatedModel() as model:
        yield model


@pytest.fixture(scope="module")
def site(seed, model):
    site = seed.make(worker=True, OPENAI_BASE_URL=model.url)
    yield site
    seed.remove(site)


def test_reload_in_the_middle_of_an_answer_loses_nothing(chat, model, site):
    model.answers("orders", *PIECES)
    chat.say("Where is my parcel?")
    model.let()
    expect(chat.agents.locator(".bubble")).to_have_text("It left our warehouse yesterday,")
    expect(chat.agents).to_have_attribute("data-state", "streaming")
    shoot(chat.page, "chat-streaming", dark=True)

    chat.page.reload()
    chat.expect_online()
    expect(chat.customers).to_have_count(1)
    expect(chat.page.get_by_test_id("typing")).to_be_visible()
    model.let()
    expect(chat.agents.locator(".bubble")).to_have_text("… is in Cologne today,")
    model.let_all()

    expect(chat.expect_answers(1).locator(".bubble")).to_have_text(WHOLE)
    transcript = chat.read()
    assert transcript == [["customer", "Where is my parcel?"], ["agent", WHOLE]]
    stored = site.shell(STORED.format(thread_id=chat.thread_id))
    assert [[role, text.replace("**", "")] for role, text in stored] == transcript
    chat.page.reload()
    chat.expect_answers(1)
    assert chat.read() == transcript


def test_closing_the_page_does_not_stop_the_answer(chat, model, site):
    model.answers("orders", *PIECES)
    chat.say("Where is my parcel?")
    model.let()
    expect(chat.agents).to_contain_text("warehouse")
    context = chat.page.context
    chat.page.close()
    model.let_all()
    again = Chat(context.new_page(), site).open()
    expect(again.expect_answers(1).locator(".bubble")).to_have_text(WHOLE)


def test_stop_keeps_what_was_said(chat, model):
    model.answers("orders", *PIECES)
    chat.say("Where is my parcel?")
    model.let(2)
    expect(chat.agents).to_contain_text("Cologne")
    chat.page.get_by_test_id("stop").click()
    expect(chat.log.get_by_test_id("note")).to_have_attribute("data-about", "stopped")
    model.let_all()
    expect(chat.page.get_by_test_id("stop")).to_be_hidden()
    shoot(chat.page, "chat-stopped")
    chat.page.reload()
    answer = chat.expect_answers(1)
    expect(answer).to_contain_text("Cologne")
    expect(answer).not_to_contain_text("tomorrow")


def test_second_tab_shows_the_same_answer_as_it_comes(chat, model, site):
    model.answers("orders", *PIECES)
    other = Chat(chat.page.context.new_page(), site).open()
    chat.say("Where is my parcel?")
    expect(other.customers).to_have_count(1)
    model.let()
    expect(chat.agents).to_contain_text("warehouse")
    expect(other.agents).to_contain_text("warehouse")
    model.let_all()
    expect(chat.expect_answers(1).locator(".bubble")).to_have_text(WHOLE)
    expect(other.expect_answers(1).locator(".bubble")).to_have_text(WHOLE)
    assert chat.read() == other.read()


def test_message_sent_during_an_answer_is_answered_after_it(chat, model):
    model.answers("orders", *PIECES)
    chat.say("Where is my parcel?")
    model.let()
    expect(chat.agents).to_contain_text("warehouse")
    chat.say("And the other one?")
    model.let(
        len(PIECES) - 1
    )  # no more: the next answer must not begin before this one has been seen
    expect(chat.expect_answers(1)).to_contain_text("tomorrow")
    model.let(len(PIECES))
    chat.expect_answers(2)
    assert [who for who, _ in chat.read()] == ["customer", "agent", "customer", "agent"]
