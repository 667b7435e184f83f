"""A real HTTP receiver on loopback, which answers as its script says: well, badly, or not at all."""

import asyncio
import gzip
import socket
import struct
import threading
from dataclasses import dataclass, field

GIB = 1 << 30
DRIP_SECONDS = 1.0


@dataclass
class Request:
    """One request as it came."""

    path: str
    headers: dict
    body: bytes


@dataclass
class Reply:
    """What a request gets. `after` is called with the writer once the head is out."""

    status: int = 200
    headers: dict = field(default_factory=dict)
    body: bytes = b"thanks"
    then: object = None

    async def play(self, writer):
        head = f"HTTP/1.1 {self.status} Whatever\r\n"
        headers = dict(self.headers)
        if self.then is None:
            headers.setdefault("content-length", str(len(self.body)))
        for name, value in headers.items():
            head += f"{name}: {value}\r\n"
        writer.write(head.encode() + b"\r\n" + self.body)
        await writer.drain()
        if self.then:
            await self.then(writer)


async def hang(writer):
    await asyncio.Event().wait()


def hang_until(event):
    """Hang until an event is set that other requests, or the test, bring about."""

    async def wait(writer):
        while not event.is_set():  # noqa: ASYNC110 - it is set from another thread
            await asyncio.sleep(0.01)
        await Reply().play(writer)

    return wait


async def reset(writer):
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def drip(writer):
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(DRIP_SECONDS)


async def drip_head(writer):
    for byte in b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n":
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(DRIP_SECONDS)


async def pour(writer):
    for _ in range(GIB // 65536):
        writer.write(b"\x00" * 65536)
        await writer.drain()


async def talk_nonsense(writer):
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    await writer.drain()
    writer.close()


def bomb():
    """A few kilobytes that unpack to a gigabyte, nearly."""
    return gzip.compress(b"\x00" * (32 << 20), 9)


class Receiver:
    """Listens on a port of its own.

    Attributes:
        requests: What came, in order.
        replies: What the next requests get, in order; the last one stands for all that follow. By path first.
    """

    def __init__(self, *, ssl=None):
        self.requests = []
        self.replies = [Reply()]
        self.by_path = {}
        self.connections = 0
        self._serving = set()
        self.on_request = lambda request: None
        self._ssl = ssl
        self._arrived = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._up.wait(10)

    @property
    def url(self):
        return f"{'https' if self._ssl else 'http'}://127.0.0.1:{self.port}/hook"

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._loop.set_exception_handler(lambda loop, context: None)  # what breaks here is meant to
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._ssl)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._up.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _end(self):
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for _ in range(3):  # a transport closes in a later turn of the loop
            await asyncio.sleep(0)

    def stop(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    async def _serve(self, reader, writer):
        self.connections += 1
        self._serving.add(asyncio.current_task())  # asyncio would let one that hangs be collected
        try:
            while request := await self._read(reader):
                play = self._next(request)
                self.on_request(request)
                with self._arrived:
                    self.requests.append(request)
                    self._arrived.notify_all()
                await (play.play(writer) if isinstance(play, Reply) else play(writer))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _read(self, reader):
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        except asyncio.IncompleteReadError:
            return None
        first, *lines = head.strip().split("\r\n")
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        return Request(first.split(" ")[1], headers, body)

    def _next(self, request):
        replies = self.by_path.get(request.path, self.replies)
        return replies.pop(0) if len(replies) > 1 else replies[0]

    def wait_for(self, count, seconds=60):
        """Wait until this many requests have come, and return them."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.requests) >= count, seconds), (
                f"{len(self.requests)} of {count} requests came"
            )
            return list(self.requests)
