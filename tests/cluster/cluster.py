"""What docker-compose.yml runs, without Docker: its commands, its variables and its proxy's configuration.

The second of each kind reaches the database by way of pgbouncer.

cluster = Cluster(folder, database_url, model_url, pooler)
cluster.start()                              # two web processes behind nginx, two workers, two beats
cluster.restart("web1")                      # SIGTERM, and the same command again
"""

import json
import os
import secrets
import shutil
import signal
import ssl
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from urllib.request import urlopen

import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bench.pgbouncer import through
from supportsite.valkey import free_port
from tests.deployment import COMPOSE, PROXY, ROOT, fill_in
from tests.faults.forked_site import Valkey
from tests.settings import WATCHDOG

HOST = "127.0.0.1"
IDENTITY_SECRET = secrets.token_hex(32)
READY_SECONDS = 150
STOP_SECONDS = 20  # docker-compose.yml's, for web
WEB, WORKERS, BEATS = ("web1", "web2"), ("worker1", "worker2"), ("beat1", "beat2")
# As from a proxy that has ended TLS.
FORWARDED = {"X-Forwarded-Proto": "https"}


class Cluster:
    """Processes by name: web1, web2, worker1, worker2, beat1, beat2; a proxy and a Valkey of their own.

    Attributes:
        url: The proxy, with TLS.
        ports: Where each web process listens.
    """

    def __init__(self, folder, database_url, model_url, pooler):
        self.folder = folder
        self.valkey = Valkey()
        self.ports = {name: free_port() for name in WEB}
        self.https_port, self.http_port = free_port(), free_port()
        self.url = f"wss://{HOST}:{self.https_port}"
        self.certificate = folder / "certificate.pem"
        self._key = folder / "key.pem"
        self._processes = {}
        self._env = {
            **os.environ,
            **COMPOSE["x-site"]["environment"],
            "SECRET_KEY": secrets.token_hex(32),
            "WEBHOOK_SECRET_KEY": secrets.token_hex(32),
            "IDENTITY_SECRET": IDENTITY_SECRET,
            "ALLOWED_HOSTS": HOST,
            "DATABASE_URL": database_url,
            "REDIS_URL": self.valkey.url,
            "OPENAI_BASE_URL": model_url,
            "SWEEP_SECONDS": "1",
            "STOP_GRACE_SECONDS": "1",  # shorter than answers are, so that runs are given back
        }

        self._pooled = {
            "DATABASE_URL": through(pooler, database_url),
            "DATABASE_IS_POOLED": "true",
        }

    def start(self):
        """Start everything at once, as compose does."""
        for name in (*WEB, *WORKERS, *BEATS):
            self._start(name)
        self.start_proxy()
        for name in (*WEB, *WORKERS, *BEATS):
            self.wait_until_ready(name)

    def restart(self, name):
        """Stop one process as an update does, and start it again; returns the seconds that it took to stop."""
        seconds = self.stop(name)
        self._start(name)
        self.wait_until_ready(name)
        return seconds

    def stop(self, name):
        began = time.monotonic()
        process = self._processes.pop(name)
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_SECONDS)
        return time.monotonic() - began

    def kill(self, name):
        """End one process as a power cut does."""
        process = self._processes.pop(name)
        process.kill()
        process.wait()

    def start_again(self, name):
        self._start(name)
        self.wait_until_ready(name)

    def log(self, name):
        return (self.folder / name / "log").read_text()

    def close(self):
        for process in self._processes.values():
            process.kill()
            process.wait()
        self.valkey.kill()

    # --- what is run ---

    def command(self, name):
        """Return what compose runs, on a port of loopback."""
        command = [*COMPOSE["services"][name.rstrip("12")]["command"]]
        if name in WEB:
            command[command.index("--host") + 1] = HOST
            command[command.index("--port") + 1] = str(self.ports[name])
        return [sys.executable, *command[1:]]

    def env(self, name):
        """Return its variables; a file system of its own is what a folder of its own stands for."""
        folder = self.folder / name
        env = {**self._env, "DATA_DIR": str(folder), "TMPDIR": str(folder), "HOSTNAME": name}
        return env | self._pooled if name.endswith("2") else env

    def _start(self, name):
        (self.folder / name).mkdir(exist_ok=True)
        self._launch(name, self.command(name), self.env(name))

    def _launch(self, name, command, env):
        with (self.folder / name / "log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                command, cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True
            )
        WATCHDOG.watch(self._processes[name].pid)

    def start_proxy(self):
        """Run nginx on the configuration that compose ships, in front of these web processes."""
        folder = self.folder / "proxy"
        folder.mkdir(exist_ok=True)
        make_certificate(self.certificate, self._key)
        servers = [f"server {HOST}:{port} max_fails=0;" for port in self.ports.values()]
        values = {
            **COMPOSE["services"]["proxy"]["environment"],
            "WEB_SERVERS": " ".join(servers),
            "HTTPS_LISTEN": f"{HOST}:{self.https_port}",
            "HTTP_LISTEN": f"{HOST}:{self.http_port}",
            "TLS_CERTIFICATE": str(self.certificate),
            "TLS_KEY": str(self._key),
        }
        (folder / "nginx.conf").write_text(fill_in(PROXY.read_text(), values))
        user = "user root; " if os.geteuid() == 0 else ""
        arguments = ["-p", f"{folder}/", "-c", "nginx.conf", "-g", f"{user}daemon off;"]
        self._launch("proxy", [find_nginx(), *arguments], dict(os.environ))

    # --- whether it is there ---

    def wait_until_ready(self, name):
        deadline = time.monotonic() + READY_SECONDS
        while not self.is_ready(name):
            assert self._processes[name].poll() is None, f"{name} ended:\n{self.log(name)}"
            assert time.monotonic() < deadline, f"{name} is not ready:\n{self.log(name)}"
            time.sleep(0.1)

    def is_ready(self, name):
        if name in WEB:
            try:
                with urlopen(f"http://{HOST}:{self.ports[name]}/health/ready", timeout=5):
                    return True
            except OSError:
                return False
        if name in BEATS:
            check = [*self.command(name), "--check"]
            return subprocess.run(check, cwd=ROOT, env=self.env(name)).returncode == 0
        started = sum(worker in self._processes for worker in WORKERS)
        return self._count_consumers() >= started

    def _count_consumers(self):
        with redis.Redis.from_url(self.valkey.url) as client:
            return sum(one["cmd"] == "brpop" for one in client.client_list())

    @property
    def tls(self):
        return ssl.create_default_context(cafile=self.certificate)

    def get(self, path):
        with urlopen(f"https://{HOST}:{self.https_port}{path}", context=self.tls) as answer:
            return json.load(answer)


def find_nginx():
    """Return the program, or None; Debian keeps it off the PATH of whoever is not root."""
    return shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")


def make_certificate(certificate_file, key_file):
    """Write a certificate for the loopback address that signs itself, and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
