import base64
import json
import time

import jwt
import pytest

from tests.protocol.client import Client

pytestmark = pytest.mark.database  # its site is its own, so conftest.py cannot tell

SECRET = "the shop's own secret, which nobody else knows, and which is long enough"
HOUR = 3_600


@pytest.fixture(scope="module")
def shop(learned):
    """A site that vouches for its customers."""
    shop = learned.make(IDENTITY_SECRET=SECRET)
    yield shop
    learned.remove(shop)


def sign(secret=SECRET, algorithm="HS256", *, expires_in=600, **claims):
    claims = {"sub": "ben", "exp": int(time.time()) + expires_in, **claims}
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, secret, algorithm=algorithm)


def unsigned(**header):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    claims = {"sub": "ben", "exp": int(time.time()) + 600}
    return f"{part({'typ': 'JWT', **header})}.{part(claims)}."


async def refused(url, **fields):
    async with Client(url) as chat:
        await chat.send("hello", **fields)
        error = await chat.error("invalid_token")
        assert "session" not in chat.types
        await chat.closed(4401)
        return error


# --- visitors ---


async def test_whoever_says_nothing_of_themselves_is_a_new_visitor(site):
    async with Client(site.ws_url) as one, Client(site.ws_url) as two:
        first, second = await one.hello(), await two.hello()
    assert first["visitor_id"] != second["visitor_id"]
    assert first["template"] == "ecommerce"
    assert first["limits"]["frame_bytes"] == 32_768
    assert first["limits"]["content_chars"] == 8_000


async def test_a_token_brings_the_same_visitor_back_as_often_as_it_is_used(site):
    async with Client(site.ws_url) as chat:
        first = await chat.hello()
    token = first["token"]
    for _ in range(3):
        async with Client(site.ws_url) as chat:
            again = await chat.hello(token=token)
            assert again["visitor_id"] == first["visitor_id"]
            token = again["token"]


def tampered(token):
    """The same token with one letter of each part changed."""
    for at in range(len(token)):
        if at % 7 == 0 and token[at] != ":":
            yield token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]


async def test_a_forged_token_is_refused_with_4401(site):
    async with Client(site.ws_url) as chat:
        token = (await chat.hello())["token"]
    for forged in (*list(tampered(token))[:12], token[:-1], token + "A", "", "x", "a:b:c", ":::"):
        await refused(site.ws_url, token=forged)


async def test_a_token_of_another_site_is_refused(site, shop):
    async with Client(shop.ws_url) as chat:
        token = (await chat.hello())["token"]
    await refused(site.ws_url, token=token)


async def test_an_identity_is_refused_where_the_site_has_no_secret(site):
    await refused(site.ws_url, identity=sign())
    await refused(site.ws_url, identity=sign(secret="x" * 32))


# --- customers ---


async def test_a_customer_whom_the_site_vouches_for_sees_their_own_orders(shop, thread):
    async with Client(shop.ws_url) as chat:
        await chat.hello(identity=sign(name="Ben Novak", email="ben@example.com"))
        await chat.ask(thread, "Show me my orders")
        [answer] = [f["content"] for f in chat.frames if f["type"] == "message"]
    assert "2001" in answer
    assert "1042" not in answer


async def test_another_customer_s_order_is_not_found(shop, thread):
    async with Client(shop.ws_url) as chat:
        await chat.hello(identity=sign())
        await chat.ask(thread, "Where is my order 1042?")
        [answer] = [f["content"] for f in chat.frames if f["type"] == "message"]
    assert "cannot find" in answer


async def test_where_the_site_vouches_nobody_else_is_a_customer(shop, thread):
    async with Client(shop.ws_url) as chat:
        await chat.ask(thread, "Where is my order 1042?")
        await chat.ask(thread, "Cancel order 1043")
        words = " ".join(f["content"] for f in chat.frames if f["type"] == "message")
        assert "sign in" in words
        assert "DHL" not in words
        assert "interrupt" not in chat.types


async def test_the_same_customer_is_the_same_visitor_from_every_device(shop, thread):
    async with Client(shop.ws_url) as phone, Client(shop.ws_url) as desk:
        first = await phone.hello(identity=sign())
        assert (await desk.hello(identity=sign()))["visitor_id"] == first["visitor_id"]
        await phone.ask(thread, "Hello")
        await desk.resume(thread, 0)
        await desk.wait("message_complete")
        assert desk.threads[thread].events == phone.threads[thread].events


async def test_a_token_keeps_a_customer_signed_in(shop, thread):
    async with Client(shop.ws_url) as chat:
        token = (await chat.hello(identity=sign()))["token"]
    async with Client(shop.ws_url) as chat:
        await chat.hello(token=token)
        await chat.ask(thread, "Show me my orders")
        assert "2001" in chat.threads[thread].transcript[-1][1]


@pytest.mark.parametrize(
    "claims",  # times are made in the test: collecting may have been long ago
    [
        {"expires_in": -120},
        {"expires_in": HOUR + 600},
        {"exp": 2**31},
        {"exp": None},
        {"exp": "soon"},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 201},
        {"nbf": time.time() + 100 * HOUR},
    ],
)
async def test_a_word_for_a_customer_that_is_not_as_agreed_is_refused(shop, claims):
    await refused(shop.ws_url, identity=sign(**claims))


@pytest.mark.parametrize(
    "forged",
    [
        lambda: sign(secret="a secret of somebody else's, just as long"),
        lambda: sign(algorithm="HS512"),
        lambda: sign(algorithm="HS384"),
        lambda: unsigned(alg="none"),
        lambda: unsigned(alg="None"),
        lambda: unsigned(alg="HS256"),
        lambda: unsigned(),
        lambda: sign()[:-2],
        lambda: "x.y.z",
        lambda: "",
    ],
)
async def test_a_forged_word_for_a_customer_is_refused_with_4401(shop, forged):
    await refused(shop.ws_url, identity=forged())


async def test_a_term_of_an_hour_is_accepted(shop):
    async with Client(shop.ws_url) as chat:
        await chat.hello(identity=sign(expires_in=HOUR))


# --- threads ---

TOUCHES = [
    ("resume", {"after_seq": 0}),
    ("stop", {}),
    ("typing", {}),
    ("interrupt_response", {"approved": True}),
    ("interrupt_response", {"approved": True, "interrupt_id": "x"}),
]


@pytest.mark.parametrize(("kind", "fields"), TOUCHES)
async def test_a_foreign_thread_looks_like_one_that_does_not_exist(
    chat, site, thread, kind, fields
):
    await chat.ask(thread, "Hello")
    async with Client(site.ws_url) as stranger:
        await stranger.send(kind, thread_id=thread, **fields)
        theirs = await stranger.error("forbidden")
        await stranger.send(kind, thread_id=thread + "x", **fields)
        none = await stranger.error("forbidden")
        assert theirs | {"thread_id": ""} == none | {"thread_id": ""}
        assert stranger.types == ["session", "error", "error"]


async def test_nothing_can_be_said_in_a_foreign_thread_and_its_owner_sees_nothing(
    chat, site, thread
):
    await chat.ask(thread, "Hello")
    before = len(chat.frames)
    async with Client(site.ws_url) as stranger:
        await stranger.say(thread, "Hello, it's me")
        await stranger.error("forbidden")
        await stranger.say(thread, "Hello, it's me", client_message_id="m1")
        await stranger.error("forbidden")
        async with Client(site.ws_url) as another:
            await another.hello(thread_id=thread)
            await another.error("forbidden")
    assert await chat.settled() == before + 1


async def test_a_hello_for_a_thread_that_nobody_has_used_is_a_first_visit(site, thread):
    async with Client(site.ws_url) as chat:
        await chat.hello(thread_id=thread, after_seq=0)
        await chat.ask(thread, "Hello")
        assert "error" not in chat.types


@pytest.mark.parametrize(
    ("origin", "is_welcome"),
    [
        (None, True),
        ("own", True),
        ("https://evil.example", False),
        ("null", False),
        ("http://127.0.0.1:1", False),
    ],
)
async def test_a_page_of_another_origin_cannot_connect(site, origin, is_welcome):
    import websockets

    origin = site.url if origin == "own" else origin
    connecting = Client(site.ws_url, origin=origin)
    if is_welcome:
        async with connecting as chat:
            await chat.hello()
    else:
        with pytest.raises(websockets.InvalidStatus):
            await connecting.__aenter__()
