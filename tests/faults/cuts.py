"""Sockets cut in the middle of a byte stream: what each tab has seen in the end is what the table holds."""

import asyncio
import random

from tests.faults import customers, forks, invariants
from tests.faults.customers import Customer
from tests.faults.forked_site import ForkedSite
from tests.faults.groups import Result

KINDS = ("Cancel", "Look", "Reduce")


class Proxy:
    """Passes bytes on, and drops each connection after a random number of them, in one of the two directions.

    Attributes:
        cuts: Connections that it has dropped.
    """

    def __init__(self, port, dice, wanted):
        self._port = port
        self._dice = dice
        self._wanted = wanted
        self.cuts = 0

    @property
    def is_done(self):
        return self.cuts >= self._wanted

    async def start(self):
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        return f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _connect(self, reader, writer):
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._port)
        limits = self._choose_limits()
        ways = [
            asyncio.create_task(self._pass(reader, inner_writer, limits[0])),
            asyncio.create_task(self._pass(inner_reader, writer, limits[1])),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        for side in (writer, inner_writer):
            side.transport.abort()

    def _choose_limits(self):
        """Return after how many bytes to the server, or from it, the connection is dropped."""
        if self.is_done:
            return None, None
        if self._dice.random() < 0.3:
            return self._dice.randint(100, 1_500), None
        return None, self._dice.randint(100, 6_000)

    async def _pass(self, reader, writer, limit):
        passed = 0
        while data := await reader.read(65_536):
            if limit is not None and passed + len(data) >= limit:
                writer.write(data[: limit - passed])
                await writer.drain()
                self.cuts += 1
                return
            passed += len(data)
            writer.write(data)
            await writer.drain()


def trial_cut(plan, databases):
    """Sockets cut at random bytes, two tabs each."""
    result = Result()
    people, cuts = plan.pick((2, 12), (4, 200))
    copy = databases.make()
    try:
        forks.run(customers.stock, copy, people, KINDS, log=copy.log)
        with ForkedSite(copy, customers.make_script(0.005)) as site:
            site.start_web()
            site.wait_until_ready()
            made, reports = forks.run(
                _talk, site.port, people, cuts, plan.seed, seconds=600, log=copy.log
            )
        complaints = customers.compare(copy, reports, is_whole=True) + invariants.check(copy)
        result.trials = made
        if complaints:
            result.failures.append(f"seed {plan.seed}:\n  " + "\n  ".join(complaints))
        result.figures = {
            "cuts": made,
            "tabs": len(reports),
            "events": sum(len(seen["events"]) for seen in reports),
            "reconnects": sum(seen["drops"] for seen in reports),
        }
        return result
    finally:
        copy.drop()


def _talk(port, people, cuts, seed):
    return asyncio.run(_talk_through(Proxy(port, random.Random(seed), cuts), people))


async def _talk_through(proxy, people):
    url = await proxy.start()
    watching, tabs = [], []

    def open_second_tab(first):
        if first not in [one for one, _ in tabs]:
            second = Customer(url, first.thread_id, token=first.token, is_silent=True)
            tabs.append((first, second))
            watching.append(asyncio.create_task(second.watch(lambda tab: is_level(first, tab))))

    def is_level(first, tab):
        return first in through and tab.seq >= first.seq

    through = []

    async def one(at):
        person = Customer(url, f"customer-{at}", on_open=open_second_tab)
        await person.live(customers.texts(at, KINDS), lambda: proxy.is_done)
        through.append(person)

    await asyncio.gather(*[one(at) for at in range(people)])
    await asyncio.gather(*watching)
    assert proxy.is_done, f"only {proxy.cuts} cuts"
    return proxy.cuts, [customers.report(tab) for pair in tabs for tab in pair]
