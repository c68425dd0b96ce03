"""Real reverse proxies on loopback, as people configure them: Debian's nginx and HAProxy, as children of the test."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.conftest import free_port

README = Path(__file__).parents[2] / "README.md"
RELAY = "127.0.0.1:8080"
"""What the README's proxies ask."""

PATIENCE = 10.0
"""Seconds until a proxy listens, and until it has ended."""

UPGRADE = """proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_set_header Host $http_host;"""

NGINX = {
    "nothing but proxy_pass": "",
    "upgrade without host": "\n            ".join(UPGRADE.split("\n            ")[:3]),
    "another host": f"""{UPGRADE.rpartition("proxy_set_header Host")[0]}proxy_set_header Host another.example;""",
    "host without upgrade": "proxy_set_header Host $http_host;",
    "upgrade and host": UPGRADE,
    "x-forwarded-for is added to": f"""{UPGRADE}
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;""",
    "x-forwarded-for is written": f"""{UPGRADE}
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;""",
    "the README's": "",
    "forwarded is written": f"""{UPGRADE}
            proxy_set_header Forwarded 'for="$remote_addr:$remote_port";proto=$scheme;host="$http_host"';""",
}
"""What stands in `location /` besides `proxy_pass`; the README's is told there."""

HAPROXY = {
    "mode http": ("http", "", ""),
    "option forwardfor": ("http", "option forwardfor", ""),
    "mode tcp": ("tcp", "", ""),
    "the README's HAProxy": ("http", "", ""),
    "send-proxy": ("tcp", "", "send-proxy"),
    "send-proxy-v2": ("tcp", "", "send-proxy-v2"),
}
"""Mode, an option, and what stands behind the server's address."""


def _of_readme(begin: str) -> str:
    """A block of the README, by how it begins after the line with its language."""
    blocks = re.split(r"^```.*\n", README.read_text(), flags=re.MULTILINE)[1::2]
    (block,) = (block for block in blocks if block.startswith(begin))
    return block


@asynccontextmanager
async def nginx(folder: Path, backend: int, name: str) -> AsyncIterator[int]:
    """The port of an nginx that passes on what it is asked, configured as `NGINX` says."""
    port = free_port()
    location = f"location / {{ {NGINX[name]} proxy_pass http://127.0.0.1:{backend}; }}"
    if name == "the README's":
        location = _of_readme("location").replace(RELAY, f"127.0.0.1:{backend}")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    configuration = folder / "nginx.conf"
    configuration.write_text(f"""
daemon off;
user root;
pid {folder}/nginx.pid;
error_log stderr;
worker_processes 1;
events {{ worker_connections 256; }}
http {{
    access_log off;
    {" ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)}
    map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
    server {{
        listen 127.0.0.1:{port};
        {location}
    }}
}}
""")
    command = ["nginx", "-e", "stderr", "-p", str(folder), "-c", str(configuration)]
    async with _running(command, port):
        yield port


@asynccontextmanager
async def haproxy(folder: Path, backend: int, name: str) -> AsyncIterator[int]:
    """The port of an HAProxy that passes on what it is asked, configured as `HAPROXY` says."""
    port = free_port()
    mode, option, server = HAPROXY[name]
    listen = f"""listen relay
    mode {mode}
    bind 127.0.0.1:{port}
    {option}
    server one 127.0.0.1:{backend} {server}"""
    if name == "the README's HAProxy":
        # Without its certificate.
        listen = re.sub(r"bind .*", f"bind 127.0.0.1:{port}", _of_readme("listen"))
        listen = listen.replace(RELAY, f"127.0.0.1:{backend}")
    configuration = folder / "haproxy.cfg"
    configuration.write_text(f"""
defaults
    timeout connect 5s
    timeout client 60s
    timeout server 60s
{listen}
""")
    async with _running(["haproxy", "-db", "-f", str(configuration)], port):
        yield port


@asynccontextmanager
async def _running(command: list[str], port: int) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    said = asyncio.ensure_future(process.stderr.read())
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                if process.returncode is not None:
                    raise AssertionError(f"{command[0]} ended: {(await said).decode()}")
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.02)
                else:
                    writer.close()
                    break
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(PATIENCE):
            await process.wait()
            await said
