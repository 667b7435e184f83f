"""A person of staff in a browser, as far as admin's pages need one: on one web process, logged in by the login page."""

from http.client import HTTPConnection
from http.cookies import SimpleCookie
from urllib.parse import urlencode

from tests.cluster.cluster import FORWARDED, HOST


class Staff:
    """Asks one web process, past the proxy, so that it is known which one answers."""

    def __init__(self, port):
        self._host = f"{HOST}:{port}"
        self._cookies = SimpleCookie()

    @property
    def headers(self):
        cookies = "; ".join(f"{name}={cookie.value}" for name, cookie in self._cookies.items())
        origin = f"https://{self._host}"
        return {**FORWARDED, "Cookie": cookies, "Origin": origin, "Referer": f"{origin}/"}

    def login(self, password):
        self._request("GET", "/admin/login/")
        status, _ = self.post("/admin/login/", username="admin", password=password)
        assert status == 302
        return self

    def take_over(self, conversation):
        self._act(conversation, "take-over")

    def reply(self, conversation, text):
        self._act(conversation, "reply", text=text)

    def approve(self, interrupt):
        path = f"/admin/conversations/interrupt/{interrupt}/decide/"
        status, page = self.post(path, decision="approve")
        assert status == 302, page

    def _act(self, conversation, verb, **fields):
        path = f"/admin/conversations/conversation/{conversation}/{verb}/do/"
        status, page = self.post(path, **fields)
        assert status == 302, page

    def post(self, path, **fields):
        fields["csrfmiddlewaretoken"] = self._cookies["csrftoken"].value
        return self._request("POST", path, urlencode(fields))

    def _request(self, method, path, body=None):
        connection = HTTPConnection(self._host, timeout=30)
        headers = {**self.headers, "Content-Type": "application/x-www-form-urlencoded"}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        page = answer.read().decode()
        for value in answer.headers.get_all("Set-Cookie", []):
            self._cookies.load(value)
        connection.close()
        return answer.status, page
