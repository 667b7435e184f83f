"""A refund above the customer's own limit waits for staff, and both sides see what becomes of it."""

from playwright.sync_api import expect

from tests.browser.shots import shoot

REQUEST = "Refund 99.80 EUR for order 1044"


def test_colleague_with_permission_approves_and_the_customer_sees_it_at_once(chat, open_desk):
    chat.say(REQUEST)
    card = chat.expect_card("pending", approver="staff")
    expect(card).to_contain_text("A colleague has to approve this")
    expect(card.get_by_test_id("card-approve")).to_have_count(0)
    shoot(chat.page, "chat-waits-for-staff", dark=True)

    olga = open_desk("olga").open("")
    expect(olga.panel("Waiting for approval")).to_contain_text("99.80")
    expect(olga.page.get_by_role("button", name="Approve")).to_have_count(0)
    olga.open_conversation(chat.thread_id)
    expect(olga.timeline).to_contain_text("You lack the permission to decide this.")
    shoot(olga.page, "admin-olga", full=True)

    sam = open_desk("sam").open("")
    shoot(sam.page, "admin-overview-waiting", dark=True)
    sam.open("conversations/interrupt/")
    shoot(sam.page, "admin-interrupts")
    sam.open_conversation(chat.thread_id)
    sam.page.get_by_label("Comment, for the record").fill("Broken on arrival, seen the photo.")
    shoot(sam.page, "admin-decide", dark=True, full=True)
    sam.page.get_by_role("button", name="Approve").click()
    expect(sam.timeline).to_contain_text("Decided by sam")
    expect(sam.timeline).to_contain_text("Broken on arrival, seen the photo.")

    expect(chat.expect_answers(1)).to_contain_text("99.80")
    expect(chat.expect_card("approved", approver="staff")).to_contain_text(
        "Approved by a colleague"
    )
    shoot(chat.page, "chat-staff-approved")
    sam.open("ecommerce/order/?q=1044")
    expect(sam.page.locator("#result_list")).to_contain_text("99.80")


def test_colleague_without_permission_is_refused_by_the_server_too(chat, open_desk):
    chat.say("Give me 25 percent off order 1045")
    chat.expect_card("pending", approver="staff")
    olga = open_desk("olga").open_conversation(chat.thread_id)
    call = olga.timeline.locator("[id^=interrupt-]")
    interrupt_id = call.get_attribute("id").removeprefix("interrupt-")
    path = f"/admin/conversations/interrupt/{interrupt_id}/decide/"
    status = olga.page.evaluate(
        """async (path) => {
            const token = document.cookie.match(/csrftoken=([^;]+)/)[1];
            const body = new URLSearchParams({ decision: "approve", csrfmiddlewaretoken: token });
            return (await fetch(path, { method: "POST", body })).status;
        }""",
        path,
    )
    assert status == 403
    assert [problem for problem in olga.page.problems if problem.startswith("403 ")]
    olga.page.problems.clear()  # that refusal was meant
    chat.expect_card("pending", approver="staff")


def test_colleague_declines_from_the_overview(chat, open_desk):
    chat.say("Give me 25 percent off order 1045")
    chat.expect_card("pending", approver="staff")
    sam = open_desk("sam").open("")
    row = sam.panel("Waiting for approval").locator("li", has_text="25").last
    row.get_by_role("button", name="Decline").click()
    expect(sam.page.get_by_text("Declined: ")).to_be_visible()
    chat.expect_answers(1)
    expect(chat.expect_card("rejected", approver="staff")).to_contain_text(
        "Declined by a colleague"
    )
