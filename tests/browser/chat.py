"""The chat's page as a customer uses it. Its hooks are listed in conversations/static/conversations/chat/view.js."""

from playwright.sync_api import expect

# The first answer of a site waits for its models to be read.
expect.set_options(timeout=30_000)


class Chat:
    def __init__(self, page, site, template="ecommerce"):
        self.page = page
        self.template = template
        self.url = f"{site.url}/chat/{template}/"
        self.log = page.get_by_test_id("log")
        self.composer = page.get_by_test_id("composer")
        self.agents = self.log.get_by_test_id("bubble-agent")
        self.customers = self.log.get_by_test_id("bubble-customer")
        self.cards = self.log.get_by_test_id("card")
        self.card = self.cards.last
        self.retry = self.log.get_by_test_id("retry-prompt")

    def open(self):
        self.page.goto(self.url)
        self.expect_online()
        return self

    def expect_online(self):
        expect(self.page.get_by_test_id("connection")).to_have_attribute("data-state", "online")

    def say(self, text):
        self.composer.fill(text)
        self.composer.press("Enter")
        expect(self.customers.filter(has_text=text).last).to_have_attribute(
            "data-delivery", "accepted"
        )

    def ask(self, text, count=1):
        """Say something, and return the answer, or the last of several."""
        before = self.agents.count()
        self.say(text)
        return self.expect_answers(before + count)

    def expect_answers(self, count):
        """Wait for so many whole answers on the page; return the last."""
        expect(self.agents).to_have_count(count)
        last = self.agents.last
        expect(last).to_have_attribute("data-state", "final")
        return last

    def tool(self, name):
        return self.log.locator(f"[data-testid=tool-line][data-tool={name}]").last

    def expect_card(self, state, *, approver="customer"):
        expect(self.card).to_have_attribute("data-state", state)
        expect(self.card).to_have_attribute("data-approver", approver)
        return self.card

    def approve(self):
        self.card.get_by_test_id("card-approve").click()

    def decline(self):
        self.card.get_by_test_id("card-decline").click()

    def talk_to_person(self):
        self.page.get_by_test_id("talk-to-person").click()
        expect(self.note("handoff_requested")).to_be_visible()

    def note(self, about):
        return self.log.locator(f"[data-testid=note][data-about={about}]").last

    def from_staff(self, text):
        return self.log.locator("[data-testid=bubble-agent][data-role=staff]", has_text=text)

    @property
    def thread_id(self):
        return self.page.evaluate(
            "slug => JSON.parse(localStorage.getItem(`smart-support:${slug}:thread`)).id",
            self.template,
        )

    def read(self):
        """Return what was said, in order: (customer or agent, text)."""
        items = self.log.locator("[data-testid=bubble-customer], [data-testid=bubble-agent]")
        return items.evaluate_all(
            """all => all.map((item) => [
                item.dataset.testid.slice("bubble-".length),
                item.querySelector(".bubble").innerText.split(/\\s+/).join(" ").trim(),
            ])"""
        )
