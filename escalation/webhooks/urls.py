"""Which addresses may be saved as a webhook's. What a name leads to is checked when it is dialled."""

from __future__ import annotations

import re
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

from django.conf import settings

from escalation.errors import UrlRefused
from escalation.webhooks.addresses import check_address

if TYPE_CHECKING:
    import httpx

MAX_CHARS = 2_000
LOCAL_NAMES = ("localhost", "local", "internal", "localdomain", "home.arpa")


def normalize_host(host: str) -> str:
    """Return a host as it is compared: lower case, without brackets and the dot that ends a full name."""
    return host.strip("[]").lower().removesuffix(".")


def is_allowed_host(host: str) -> bool:
    """Return whether settings.WEBHOOK_ALLOWED_HOSTS names this host, whatever its address."""
    return normalize_host(host) in {normalize_host(name) for name in settings.WEBHOOK_ALLOWED_HOSTS}


def check_url(text: str) -> str:
    """Return a URL that a webhook may have.

    Raises:
        UrlRefused: It is not one; the text says why, and what would be right.
        AddressRefused: Its host is an address that is not public.
    """
    url = _parse(text)
    schemes = ("https", "http") if settings.WEBHOOK_ALLOW_HTTP else ("https",)
    if url.scheme not in schemes:
        raise UrlRefused(f"{text!r} has to begin with https://")
    if "@" in text.partition("://")[2].partition("/")[0] or url.userinfo:
        raise UrlRefused("A URL must hold no name or password: whoever sees it would learn them")
    if "#" in text:
        raise UrlRefused(f"{text!r} has a fragment (#), which is never sent; leave it out")
    if url.port is not None and not 1 <= url.port <= 65535:
        raise UrlRefused(f"{text!r} has port {url.port}; ports go from 1 to 65535")
    check_host(url.raw_host.decode())
    return text


def _parse(text: str) -> httpx.URL:
    import httpx  # the very parser whose result is dialled; its import is slow

    if len(text) > MAX_CHARS:
        raise UrlRefused(f"The URL has {len(text)} characters; at most {MAX_CHARS} are possible")
    if re.search(r"[\s\\\x00-\x1f\x7f]", text):
        raise UrlRefused(f"{text!r} has white space, a backslash or a control character in it")
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError) as error:
        raise UrlRefused(f"{text!r} is no web address: {error}") from None
    if not url.host:
        raise UrlRefused(f"{text!r} names no host; write https://host/path")
    return url


def check_host(host: str) -> None:
    """Accept the name of a host, or a public address in its usual spelling.

    Args:
        host: As it is sent: ASCII, an IPv6 address with or without brackets.

    Raises:
        UrlRefused: A name of this network's own, or an address in a spelling that hides it.
        AddressRefused: An address that is not public.
    """
    if is_allowed_host(host):
        return
    name = normalize_host(host)
    if address := find_address(name):
        check_address(address)
    elif _is_disguised(name):
        raise UrlRefused(f"{host!r} is a number; write the address as four numbers with dots")
    elif not re.fullmatch(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", name):
        raise UrlRefused(f"{host!r} is no host name; write it as hooks.example.com")
    elif any(name == local or name.endswith(f".{local}") for local in LOCAL_NAMES):
        raise UrlRefused(
            f"{host!r} is a name of this network's own; name it in WEBHOOK_ALLOWED_HOSTS if it is meant"
        )


def find_address(name: str) -> IPv4Address | IPv6Address | None:
    """Return the address that a host is, in its usual spelling; None for a name."""
    try:
        return ip_address(name)
    except ValueError:
        return None


def _is_disguised(name: str) -> bool:
    # 2130706433, 0x7f.1, 0177.0.0.1 and 127.1 are all 127.0.0.1 to whoever dials.
    try:
        socket.inet_aton(name)
    except (OSError, UnicodeError, ValueError):
        return False
    return True
