"""Where a webhook may go: a hundred addresses, by a dialler that opens no socket."""

import asyncio
from ipaddress import ip_address

import httpcore
import pytest

from escalation.errors import EscalationError, UrlRefused
from escalation.webhooks.client import Client
from escalation.webhooks.dialling import GuardedBackend
from escalation.webhooks.urls import check_url

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
PUBLIC = "93.184.216.34"


class Dialler(httpcore.AsyncMockBackend):
    """Notes what it would dial, and gives the answer at once. Opens no socket."""

    def __init__(self, *, unreachable=()):
        super().__init__([OK])
        self.dialled = []
        self.unreachable = unreachable

    async def connect_tcp(self, host, port, **options):
        self.dialled.append(host)
        if host in self.unreachable:
            raise httpcore.ConnectError("refused")
        return await super().connect_tcp(host, port, **options)


def post(url, *answers, dialler=None):
    """Post to `url`; its name has these addresses, one after another each time it is asked. Returns answer, dialled."""
    dialler = dialler or Dialler()
    names = iter(answers)

    async def resolve(host, port):
        try:
            return [ip_address(host.strip("[]"))]
        except ValueError:
            return [ip_address(address) for address in next(names)]

    async def work():
        client = Client(GuardedBackend(dialler, resolve))
        try:
            return await client.post(url, b"{}", {})
        finally:
            await client.close()

    return asyncio.run(work()), dialler.dialled


@pytest.fixture(autouse=True)
def nothing_is_allowed(settings):
    settings.WEBHOOK_ALLOWED_HOSTS = []
    settings.WEBHOOK_ALLOW_HTTP = True


REFUSED = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.255",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "ff02::1",
    "ff05::1:3",
]
GOOD = ["8.8.8.8", PUBLIC, "100.63.255.255", "172.32.0.1", "192.169.0.1", "2606:4700::1111"]
SPELLINGS = [
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://017700000001/",
    "http://0177.0.0.1/",
    "http://0177.0.0.01/",
    "http://127.1/",
    "http://127.0.1/",
    "http://127.0.0.1./",
    "http://1/",
    "http://0/",
    "http://127。0。0。1/",
    "http://127．0．0．1/",
    "http://①②⑦.0.0.1/",
    "http://１２７.0.0.1/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://localhost/",
    "http://LOCALHOST/",
    "http://localhost./",
    "http://hooks.localhost/",
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    "http://metadata.google.internal/",
    "http://printer.local/",
    "http://127.0.0.1:80@127.0.0.1/",
    "http://user@hooks.example.com/",
    "http://user:pass@hooks.example.com/",
    "http://hooks.example.com\\@127.0.0.1/",
    "http://hooks.example.com@127.0.0.1/",
    "http://hooks.example.com#@127.0.0.1/",
    "http://hooks.example.com /",
    "http://hooks.example.com\n/",
    "http://hooks.exam\x00ple.com/",
    "http://",
    "http:///path",
    "http:127.0.0.1/",
    "//hooks.example.com/",
    "file:///etc/passwd",
    "gopher://hooks.example.com/",
    "unix:///run/docker.sock",
    "http://hooks.example.com:0/",
    "http://hooks.example.com:99999/",
    "http://..example.com/",
    "http://%31%32%37.0.0.1/",
    "https://" + "a" * 2001,
]


def test_the_guard_is_tried_with_more_than_forty_addresses():
    assert len(REFUSED) >= 40
    assert len(SPELLINGS) >= 40


@pytest.mark.parametrize("address", REFUSED)
def test_address_that_is_not_public_is_not_dialled(address):
    answer, dialled = post("http://hooks.example.com/", [address])
    assert dialled == []
    assert answer.is_final
    assert "only public addresses are called" in answer.error


@pytest.mark.parametrize("address", REFUSED)
def test_address_that_is_not_public_cannot_be_saved(address):
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(EscalationError):
        check_url(f"https://{host}/")


@pytest.mark.parametrize("address", GOOD)
def test_public_address_is_dialled(address):
    answer, dialled = post("http://hooks.example.com/", [address])
    assert (answer.status_code, dialled) == (200, [address])


@pytest.mark.parametrize("url", SPELLINGS, ids=ascii)
def test_disguise_is_neither_saved_nor_dialled(url):
    with pytest.raises(EscalationError):
        check_url(url)
    answer, dialled = post(url, ["127.0.0.1"], ["127.0.0.1"])
    assert dialled == []
    assert answer.is_final


def test_one_bad_address_among_good_ones_condemns_all():
    _, dialled = post("http://hooks.example.com/", [PUBLIC, "10.0.0.1"])
    assert dialled == []


def test_name_is_looked_up_once_and_the_checked_address_is_dialled():
    # The second answer would be the rebinding; nobody asks for it.
    answer, dialled = post("http://hooks.example.com/", [PUBLIC], ["127.0.0.1"])
    assert (answer.status_code, dialled) == (200, [PUBLIC])


def test_next_address_is_dialled_when_the_first_cannot_be_reached():
    dialler = Dialler(unreachable={PUBLIC})
    answer, dialled = post("http://hooks.example.com/", [PUBLIC, "8.8.8.8"], dialler=dialler)
    assert (answer.status_code, dialled) == (200, [PUBLIC, "8.8.8.8"])


@pytest.mark.parametrize("host", ["10.0.0.7", "CRM.internal", "[fd00::7]", "localhost"])
def test_allowed_host_is_dialled_whatever_its_address(settings, host):
    settings.WEBHOOK_ALLOWED_HOSTS = ["crm.internal", "10.0.0.7", "fd00::7", "localhost"]
    answer, dialled = post(f"http://{host}/", ["10.1.2.3"])
    assert answer.status_code == 200
    assert len(dialled) == 1


def test_allowed_host_allows_no_other(settings):
    settings.WEBHOOK_ALLOWED_HOSTS = ["crm.internal"]
    for url in ("http://evil.crm.internal/", "http://crm.internal.example.com/"):
        assert post(url, ["10.1.2.3"])[1] == []


def test_plain_http_needs_the_setting(settings):
    settings.WEBHOOK_ALLOW_HTTP = False
    with pytest.raises(UrlRefused, match="begin with https://"):
        check_url("http://hooks.example.com/")
    assert post("http://hooks.example.com/", [PUBLIC])[1] == []


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com/a?b=c",
        "https://hooks.example.com:8443/",
        "https://bücher.example/hook",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]/",
    ],
)
def test_ordinary_url_is_saved_as_it_is(url):
    assert check_url(url) == url
