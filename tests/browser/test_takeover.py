"""Ana asks for a person, and Sam comes: both sides of a takeover, in two browsers."""

import pytest
from playwright.sync_api import expect

from tests.browser.chat import Chat
from tests.browser.shots import PHONE, shoot
from tests.browser.test_looks import expect_well_made, overflows, press_until_focused


def queue(desk, show="open"):
    return desk.open(f"escalation/escalation/?show={show}")


def test_ana_and_sam_talk_and_the_agent_goes_on_and_knows(chat, open_desk):
    chat.ask("Where is my order 1042?")
    chat.talk_to_person()
    expect(chat.page.get_by_test_id("waiting-time")).to_have_text("Waiting for less than a minute")
    expect(chat.page.get_by_test_id("talk-to-person")).to_be_hidden()
    shoot(chat.page, "takeover-asked", dark=True)

    desk = queue(open_desk("sam"))
    expect(desk.page.locator("#result_list")).to_contain_text("Where is my order 1042?")
    shoot(desk.page, "takeover-queue", dark=True)
    desk.open_conversation(chat.thread_id).act("Take over")
    expect(desk.page.locator("#people")).to_contain_text("You have this conversation.")
    expect(chat.page.get_by_test_id("banner")).to_contain_text("You are talking with Sam.")

    desk.listens().page.locator("#reply-text").press_sequentially("I look at it")
    expect(chat.page.get_by_test_id("typing")).to_contain_text("Sam is writing")
    shoot(chat.page, "takeover-typing")
    desk.reply("Good day, I am Sam. Which order is it about?")
    expect(chat.from_staff("I am Sam")).to_contain_text("Sam")
    before = chat.agents.count()

    desk.listens()
    chat.composer.press_sequentially("It is")
    expect(desk.page.locator("#customer-typing")).to_have_text("The customer is writing …")
    chat.say("It is order 1045, cancel it please")
    expect(desk.timeline).to_contain_text("It is order 1045")
    desk.reply("Shall my robot colleague do that?")
    expect(chat.from_staff("robot colleague")).to_be_visible()
    expect(chat.agents).to_have_count(before + 1)  # Sam's word, and nobody else's
    expect(chat.cards).to_have_count(0)
    shoot(chat.page, "takeover-talk", dark=True)
    shoot(desk.page, "takeover-desk", dark=True, full=True)

    desk.act("Give back to the agents")
    expect(chat.note("handoff_released")).to_be_visible()
    expect(chat.page.get_by_test_id("talk-to-person")).to_be_visible()
    chat.say("Where is order 1045?")
    expect(chat.expect_answers(before + 2)).to_have_attribute("data-role", "agent")

    queue(desk, "all")
    desk.open_conversation(chat.thread_id).act("Take over").act("Resolve and close")
    rating = chat.page.get_by_test_id("rating")
    expect(rating).to_be_visible()
    rating.get_by_test_id("rating-send").click()
    expect(rating.get_by_role("alert")).to_have_text("Please choose a number from 1 to 5.")
    shoot(chat.page, "takeover-rating", dark=True)
    press_until_focused(chat.page, "Tab", rating.get_by_test_id("rating-1"))
    chat.page.keyboard.press("ArrowRight")
    chat.page.keyboard.press("ArrowRight")
    expect(rating.get_by_test_id("rating-3")).to_be_checked()
    rating.get_by_test_id("rating-comment").fill("Sam was kind")
    press_until_focused(chat.page, "Tab", rating.get_by_test_id("rating-send"))
    chat.page.keyboard.press("Enter")
    expect(chat.page.get_by_test_id("rating-thanks")).to_have_text("Thank you. You gave 3 of 5.")
    chat.page.reload()
    expect(chat.page.get_by_test_id("rating-thanks")).to_be_visible()
    expect(desk.page.locator(".ss-timeline")).to_contain_text("Rated 3 of 5: Sam was kind")


def test_what_the_customer_told_sam_the_agent_uses(chat, open_desk):
    chat.talk_to_person()
    desk = open_desk("sam").open_conversation(chat.thread_id).act("Take over")
    chat.say("It is about my order 1042")
    expect(desk.timeline).to_contain_text("order 1042")
    desk.reply("Thank you. My colleague will look it up.").act("Give back to the agents")
    expect(chat.note("handoff_released")).to_be_visible()
    chat.say("Where is that order?")
    expect(chat.log).to_contain_text("00340434161094042557")


def test_a_person_can_be_asked_for_before_a_word_is_said(chat):
    chat.talk_to_person()
    chat.page.reload()
    expect(chat.note("handoff_requested")).to_be_visible()
    expect(chat.page.get_by_test_id("banner")).to_contain_text("A person from our team")


def test_of_two_who_take_over_the_second_is_told_who_has_it(chat, open_desk):
    chat.talk_to_person()
    sam = open_desk("sam").open_conversation(chat.thread_id)
    kim = open_desk("kim").open_conversation(chat.thread_id)
    kim.page.route("**/ws/desk/**", lambda route: route.abort())
    sam_page = sam.page.locator("#people").get_by_role("button", name="Take over")
    url = kim.page.locator("#people form").first.get_attribute("action")
    token = kim.page.locator("input[name=csrfmiddlewaretoken]").first.input_value()
    sam_page.click()
    expect(sam.page.locator("#people")).to_contain_text("You have this conversation.")
    answer = kim.page.request.post(
        kim.site.url + url,
        form={"csrfmiddlewaretoken": token},
        headers={"Referer": kim.page.url},
    )
    assert "Sam has this conversation." in answer.text()
    expect(kim.page.locator("#people")).to_contain_text("Sam has this conversation.")


def test_olga_sees_and_cannot_act_not_even_by_direct_request(chat, open_desk):
    chat.talk_to_person()
    desk = open_desk("olga").open_conversation(chat.thread_id)
    people = desk.page.locator("#people")
    expect(people).to_contain_text("You lack the permission to take over conversations.")
    expect(people.get_by_role("button")).to_have_count(0)
    token = desk.page.locator("input[name=csrfmiddlewaretoken]").first.input_value()
    base = desk.page.url.partition("/change/")[0]
    for verb in ("take-over", "reply", "release", "resolve", "note"):
        answer = desk.page.request.post(
            f"{base}/{verb}/do/",
            form={"csrfmiddlewaretoken": token, "text": "Hello"},
            headers={"Referer": desk.page.url},
        )
        assert answer.status == 403, verb
    expect(chat.page.get_by_test_id("banner")).to_contain_text("A person from our team")
    shoot(desk.page, "takeover-olga")


def test_a_canned_reply_is_put_in_the_field(chat, open_desk, site):
    site.shell(
        "from escalation.models import CannedReply\n"
        "CannedReply.objects.get_or_create(title='Greeting', text='Good day, I am here now.')"
    )
    chat.talk_to_person()
    desk = open_desk("sam").open_conversation(chat.thread_id).act("Take over")
    desk.page.select_option("#canned", label="Greeting")
    expect(desk.page.locator("#reply-text")).to_have_value("Good day, I am here now.")
    with desk.page.expect_navigation():
        desk.page.locator("#reply-text").press("Control+Enter")
    expect(chat.from_staff("I am here now")).to_be_visible()


def test_a_draft_survives_what_the_customer_writes(chat, open_desk):
    chat.talk_to_person()
    desk = open_desk("sam").open_conversation(chat.thread_id).act("Take over")
    desk.page.fill("#reply-text", "Half a thought")
    chat.say("Hello?")
    expect(desk.timeline).to_contain_text("Hello?")
    expect(desk.page.locator("#reply-text")).to_have_value("Half a thought")


@pytest.mark.parametrize("step", ["asked", "closed"])
def test_the_chat_is_well_made_with_a_person(open_page, site, open_desk, step):
    chat = Chat(open_page(viewport=PHONE), site).open()
    chat.talk_to_person()
    if step == "closed":
        desk = open_desk("sam").open_conversation(chat.thread_id).act("Take over")
        desk.reply("Hello").act("Resolve and close")
        expect(chat.page.get_by_test_id("rating")).to_be_visible()
        chat.page.get_by_test_id("rating-4").check(force=True)
        shoot(chat.page, "takeover-rating-chosen", dark=True)
    assert not overflows(chat.page)
    expect_well_made(chat.page)


def test_the_desk_is_well_made(chat, open_desk):
    chat.talk_to_person()
    desk = open_desk("sam").open_conversation(chat.thread_id).act("Take over")
    desk.reply("Hello")
    desk.page.fill("#note-text", "Called her")
    with desk.page.expect_navigation():
        desk.page.get_by_role("button", name="Add note").click()
    expect_well_made(desk.page, is_admin=True)
    shoot(desk.page, "takeover-desk-own", dark=True, full=True)
    queue(desk)
    expect_well_made(desk.page, is_admin=True)
