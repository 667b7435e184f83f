"""A process that delivers what is due, and kills itself where it is told to.

python -m tests.webhooks.deliverer before|answered|never
"""

import asyncio
import os
import signal
import sys

import django


def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)


async def deliver(point):
    from escalation.courier import Courier
    from escalation.services import attempts
    from escalation.webhooks.client import Client

    client = Client()
    if point == "before":
        client.post = die
    if point == "answered":
        attempts.record_and_claim = die
    await Courier(client).drain(max_seconds=60)


if __name__ == "__main__":
    django.setup()
    asyncio.run(deliver(sys.argv[1]))
