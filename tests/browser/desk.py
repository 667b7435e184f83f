"""Admin as a member of staff uses it."""

from playwright.sync_api import expect


class Desk:
    def __init__(self, page, site):
        self.page = page
        self.site = site
        self.timeline = page.locator(".ss-timeline")

    def log_in(self, name, password):
        self.page.goto(self.site.url + "/admin/")
        self.page.fill("input[name=username]", name)
        self.page.fill("input[name=password]", password)
        self.page.click("button[type=submit]")
        self.page.wait_for_url(self.site.url + "/admin/")
        return self

    def open(self, path):
        self.page.goto(f"{self.site.url}/admin/{path}")
        return self

    def open_conversation(self, thread_id):
        """Find it in the list, as staff would, and open it."""
        self.open(f"conversations/conversation/?q={thread_id}")
        self.page.get_by_role("link", name=thread_id).click()
        expect(self.timeline).to_be_visible()
        return self

    def act(self, label):
        """Press one of the buttons of the person's place, and wait for the page that follows."""
        with self.page.expect_navigation():
            self.page.locator("#people").get_by_role("button", name=label).click()
        return self

    def reply(self, text):
        self.page.fill("#reply-text", text)
        with self.page.expect_navigation():
            self.page.get_by_role("button", name="Send", exact=True).click()
        return self

    def listens(self):
        """Wait until the page hears of what happens while it is shown."""
        expect(self.page.locator("#customer-typing[data-listens]")).to_have_count(1)
        return self

    def panel(self, heading):
        return self.page.locator(".ss-panel", has=self.page.get_by_role("heading", name=heading))

    def entries(self):
        """Return the timeline, one text an entry; lower case, as labels are shown in capitals."""
        texts = self.timeline.locator(".ss-entry").all_inner_texts()
        return [" ".join(text.split()).lower() for text in texts]

    def order_status(self, number):
        self.open(f"ecommerce/order/?q={number}")
        return self.page.locator("#result_list tbody tr .field-status").inner_text()
