"""Sends what is due: at most two at once to an endpoint, and one endpoint never behind another.

Everything is sent from one event loop, so that a receiver which hangs holds a coroutine and no thread.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import defaultdict
from urllib.parse import urlsplit

from agents import tracing
from conversations.database import database_now, in_thread
from escalation.errors import SecretUnreadable
from escalation.selectors import list_due_endpoints
from escalation.services import attempts
from escalation.services.attempts import AT_ONCE, Claim
from escalation.telemetry import count_attempt
from escalation.webhooks import vault
from escalation.webhooks.client import Client
from escalation.webhooks.retries import Answer, Verdict, judge
from escalation.webhooks.signing import sign

logger = logging.getLogger(__name__)


def _list_due() -> list[uuid.UUID]:
    return list_due_endpoints(database_now())


class Courier:
    """Delivers for one process. It belongs to one event loop.

    Args:
        client: What sends.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lanes: dict[uuid.UUID, set[asyncio.Task[None]]] = defaultdict(set)
        self._doorbell = asyncio.Event()
        self._is_busy = False
        self._is_ending = False

    async def drain(self, *, max_seconds: float) -> bool:
        """Send what is due until nothing is, or for `max_seconds`; whatever is under way is finished.

        A call while another is at work makes that one look again, and returns at once.

        Returns:
            Whether more may be due.
        """
        self._doorbell.set()
        if self._is_busy:
            return False
        self._is_busy = True
        try:
            return await self._work(time.monotonic() + max_seconds)
        finally:
            self._is_busy = False

    async def _work(self, deadline: float) -> bool:
        self._is_ending = False
        while not self._is_ending:
            if self._doorbell.is_set():
                self._doorbell.clear()
                await self._open_what_is_due()
            elif not (lanes := self._list_lanes()):
                return False
            else:
                await self._wait(lanes, max(deadline - time.monotonic(), 0))
            self._is_ending = time.monotonic() >= deadline
        if lanes := self._list_lanes():
            await asyncio.wait(lanes)
        return True

    async def _open_what_is_due(self) -> None:
        await in_thread(attempts.recover_lapsed)()
        for endpoint_id in await in_thread(_list_due)():
            self._open_lanes(endpoint_id)

    def _list_lanes(self) -> list[asyncio.Task[None]]:
        return [lane for lanes in self._lanes.values() for lane in lanes]

    def _open_lanes(self, endpoint_id: uuid.UUID) -> None:
        lanes = self._lanes[endpoint_id]
        while len(lanes) < AT_ONCE:
            lane = asyncio.create_task(self._run_lane(endpoint_id))
            lanes.add(lane)
            lane.add_done_callback(lanes.discard)

    async def _wait(self, lanes: list[asyncio.Task[None]], seconds: float) -> None:
        """Wait until a lane has ended or somebody rings, for so many seconds at most."""
        ring = asyncio.create_task(self._doorbell.wait())
        try:
            waited = [ring, *lanes]
            await asyncio.wait(waited, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ring.cancel()

    async def _run_lane(self, endpoint_id: uuid.UUID) -> None:
        """Send one delivery after another to an endpoint until none is due."""
        try:
            claim = await in_thread(attempts.claim_next)(endpoint_id)
            while claim is not None:
                answer = await self._send(claim)
                if self._is_ending:
                    await in_thread(attempts.record)(claim, answer)
                    return
                claim = await in_thread(attempts.record_and_claim)(claim, answer)
        except Exception:
            # The lease runs out, and a sweep takes the delivery up.
            logger.exception(
                "Webhook endpoint %s: an attempt could not be made or stored", endpoint_id
            )

    async def _send(self, claim: Claim) -> Answer:
        try:
            secrets = [vault.decrypt(stored) for stored in claim.stored_secrets]
        except SecretUnreadable as error:
            return Answer(error=str(error))
        headers = sign(claim.body, webhook_id=claim.webhook_id, now=claim.now, secrets=secrets)
        with tracing.request(urlsplit(claim.url).hostname or "", claim.webhook_id):
            answer = await self._client.post(claim.url, claim.body, headers)
            has_failed = judge(answer) is not Verdict.DELIVERED
            tracing.end_request(answer.status_code, has_failed=has_failed)
        count_attempt(answer)
        return answer
