import re
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

from websockets.sync.client import connect

from supportsite.valkey import free_port

ROOT = Path(__file__).resolve().parents[2]


def test_runserver_is_daphne_and_serves_pages_and_sockets(make_site):
    site = make_site(start=False)
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "runserver", "--noreload", str(port)],
        cwd=ROOT,
        env={**site.env, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        printed = ""
        while not re.search("Listening on TCP|Quit the server", printed):
            line = process.stdout.readline()
            assert line, printed
            printed += line
        assert "ASGI/Daphne" in printed
        site.port, site.web = port, process
        site.url = f"http://127.0.0.1:{port}"
        site.wait_until_ready()
        with urlopen(site.url + "/") as answer:
            assert answer.status == 200
        with connect(f"ws://127.0.0.1:{port}/ws/chat/", origin=site.url) as socket:
            assert socket.protocol.state.name == "OPEN"
    finally:
        site.web = None
        process.terminate()
        process.wait(10)
        process.stdout.close()
