"""A language model's API as OpenAI speaks it, over real HTTP on loopback, that also misbehaves on command.

It lies under tests/ because the product never needs it; `make bench` starts it as a process and imports nothing of it:

    python -m tests.openai_server --port 8999 --offline ecommerce
    python -m tests.openai_server --port 8999 --route orders --words 50
"""
