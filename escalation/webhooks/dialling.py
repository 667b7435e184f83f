"""The network under httpx: looks a host up, checks each of its addresses, and dials one that was checked.

Between a check and a second look-up a name may change its address (DNS rebinding); here there is no second one.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import ip_address
from ssl import SSLContext
from typing import Any

import httpcore

from escalation.errors import AddressRefused
from escalation.webhooks.addresses import Address, check_address
from escalation.webhooks.urls import check_host, is_allowed_host

MAX_READ_BYTES = 64 * 1024

Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]


class AnswerTooLong(Exception):  # noqa: N818 - as in errors.py; only the client sees it
    """More than MAX_READ_BYTES came, headers included."""


async def look_up(host: str, port: int) -> Sequence[Address]:
    """Return a host's addresses, as the system resolves them.

    Raises:
        httpcore.ConnectError: It has none.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(f"{host!r} could not be looked up: {error}") from error
    # A scope (fe80::1%eth0) stays with its address: it is one more reason to refuse it.
    return list(dict.fromkeys(ip_address(item[4][0]) for item in found))


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Dials public addresses, and those of the hosts in settings.WEBHOOK_ALLOWED_HOSTS.

    Args:
        dialler: What opens connections to addresses.
        resolve: What looks names up.
    """

    def __init__(
        self, dialler: httpcore.AsyncNetworkBackend | None = None, resolve: Resolve = look_up
    ) -> None:
        self._dialler = dialler or httpcore.AnyIOBackend()
        self._resolve = resolve

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to a checked address of `host`.

        Raises:
            UrlRefused, AddressRefused: The host, or any of its addresses, is none of the public internet's.
            httpcore.ConnectError, httpcore.ConnectTimeout: It cannot be reached.
        """
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._find_addresses(host, port)
                return await self._dial(addresses, port, timeout, socket_options)
        except TimeoutError:
            raise httpcore.ConnectTimeout(f"no connection within {timeout:g} s") from None

    async def _find_addresses(self, host: str, port: int) -> Sequence[Address]:
        check_host(host)
        addresses = await self._resolve(host, port)
        if not is_allowed_host(host):
            # One bad one condemns all: it is there to be dialled some time.
            for address in addresses:
                check_address(address)
        return addresses

    async def _dial(
        self, addresses: Sequence[Address], port: int, timeout: float | None, options: Any
    ) -> httpcore.AsyncNetworkStream:
        error = httpcore.ConnectError("the host has no address")
        for address in addresses:
            try:
                stream = await self._dialler.connect_tcp(
                    str(address), port, timeout=timeout, socket_options=options
                )
            except httpcore.ConnectError as failed:
                error = failed
                continue
            return BoundedStream(stream)
        raise error

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.AsyncNetworkStream:
        raise AddressRefused(f"{path!r} is a socket of this machine")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class BoundedStream(httpcore.AsyncNetworkStream):
    """A connection on which an answer ends after MAX_READ_BYTES, whatever it promises."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self._read_bytes = 0

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read as the connection does.

        Raises:
            AnswerTooLong: More has come since the last write than an answer may have.
        """
        left = MAX_READ_BYTES - self._read_bytes
        if left <= 0:
            raise AnswerTooLong
        data = await self._stream.read(min(max_bytes, left), timeout)
        self._read_bytes += len(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._read_bytes = 0
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return BoundedStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
