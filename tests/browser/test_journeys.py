"""What customers come for, from the first word to what staff see of it."""

from playwright.sync_api import expect

from tests.browser.shots import shoot


def test_question_is_answered_from_the_shop_s_own_data(chat):
    shoot(chat.page, "chat-start", dark=True)
    answer = chat.ask("Where is my order 1042?")
    expect(answer).to_have_attribute("data-agent", "orders")
    expect(answer).to_contain_text("00340434161094042557")
    expect(chat.tool("track_shipment")).to_have_attribute("data-status", "ok")
    expect(chat.cards).to_have_count(0)
    shoot(chat.page, "chat-look-up")


def test_approved_cancellation_is_done_and_staff_see_all_of_it(chat, open_desk):
    chat.say("Cancel order 1043")
    card = chat.expect_card("pending")
    expect(card).to_contain_text("1043")
    expect(chat.agents).to_have_count(0)
    shoot(chat.page, "chat-approval", dark=True)
    chat.approve()
    expect(chat.expect_answers(1)).to_contain_text("89.90")
    expect(chat.expect_card("approved").get_by_test_id("card-outcome")).to_have_text(
        "Approved by you"
    )
    expect(chat.tool("cancel_order")).to_have_attribute("data-status", "ok")
    shoot(chat.page, "chat-approved")

    desk = open_desk()
    assert desk.order_status("1043") == "cancelled"
    shoot(desk.page, "admin-orders")
    desk.open_conversation(chat.thread_id)
    asked, routed, called, *rest = desk.entries()
    assert "cancel order 1043" in asked
    assert "routed to orders" in routed
    for piece in ("cancel_order", "order_number 1043", "decided by the customer", "done"):
        assert piece in called
    assert any("approved by the customer" in entry for entry in rest)
    assert any("89.90 eur" in entry for entry in rest)
    expect(desk.panel("Usage")).to_contain_text("offline-demo")
    shoot(desk.page, "admin-timeline", dark=True, full=True)
    desk.open("")
    shoot(desk.page, "admin-overview", dark=True)


def test_declined_write_changes_nothing(chat, open_desk):
    chat.say("Cancel order 1045")
    chat.expect_card("pending")
    chat.decline()
    expect(chat.expect_answers(1)).to_contain_text("nothing was changed")
    chat.expect_card("rejected")
    expect(chat.tool("cancel_order")).to_have_attribute("data-status", "rejected")
    shoot(chat.page, "chat-declined")
    desk = open_desk()
    assert desk.order_status("1045") == "processing"


def test_ambiguous_request_is_clarified_and_then_served(chat):
    question = chat.ask("I need help with something")
    expect(question).to_have_attribute("data-role", "system")
    shoot(chat.page, "chat-clarification")
    answer = chat.ask("my order 1042, where is it")
    expect(answer).to_have_attribute("data-role", "agent")
    expect(answer).to_contain_text("1042")


def test_two_requests_in_one_message_are_served_in_their_order(chat):
    chat.ask("Where is my order 1042? And how can I pay?", count=2)
    first, second = chat.agents.all()
    expect(first).to_have_attribute("data-agent", "orders")
    expect(first).to_contain_text("1042")
    expect(second).to_have_attribute("data-agent", "billing")
    expect(second).to_contain_text("PayPal")
    expect(chat.log).to_contain_text("First Orders, then Billing")
    shoot(chat.page, "chat-two-requests")


def test_message_instead_of_an_answer_leaves_the_write_undone(chat, open_desk):
    chat.say("Cancel order 1045")
    chat.expect_card("pending")
    chat.say("Where is my order 1042?")
    expect(chat.log).to_contain_text("00340434161094042557")
    chat.expect_card("superseded")
    expect(chat.tool("cancel_order")).to_have_attribute("data-status", "superseded")
    shoot(chat.page, "chat-superseded")
    assert open_desk().order_status("1045") == "processing"


def test_yes_in_words_approves_as_the_button_does(chat):
    chat.say("Give me 10 percent off order 1045")
    chat.expect_card("pending")
    chat.say("yes please")
    chat.expect_card("approved")
    expect(chat.tool("apply_discount")).to_have_attribute("data-status", "ok")
