"""Real reverse proxies on loopback, as people configure them: Debian's nginx, HAProxy and Caddy, each a child of the
test.

The recipes of `docker/proxies` are run as they are, but for names, ports and the certificate.
"""

import asyncio
import datetime
import re
import shlex
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from relay.front.self_signed import self_signed
from tests.kit.ports import free_port

FOLDER = Path(__file__).parents[2] / "docker" / "proxies"
RELAY = re.compile(r"127\.0\.0\.1:(?:8080|8443)\b")
"""What the recipes' proxies ask."""

PATIENCE = 10.0
"""Seconds until a proxy listens, and until it has ended."""

UPGRADE = """proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;"""
HOST = f"""{UPGRADE}
            proxy_set_header Host $http_host;"""
NAMED = f"""{HOST}
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;"""

NGINX = {
    "nothing but proxy_pass": "",
    "upgrade without host": UPGRADE,
    "host without upgrade": "proxy_set_header Host $http_host;",
    "another host": f"{UPGRADE} proxy_set_header Host another.example;",
    "upgrade and $host": f"{UPGRADE} proxy_set_header Host $host;",
    "upgrade and host": HOST,
    "x-forwarded-for is added to": f"""{HOST}
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;""",
    "x-forwarded-for is written": NAMED,
    "forwarded is written": f"""{HOST}
            proxy_set_header Forwarded 'for="$remote_addr:$remote_port";proto=$scheme;host="$http_host"';""",
}
"""What stands in `location /` besides `proxy_pass`."""

HAPROXY = {
    "mode http": ("http", "", ""),
    "option forwardfor": ("http", "option forwardfor", ""),
    "mode tcp": ("tcp", "", ""),
    "send-proxy": ("tcp", "", "send-proxy"),
    "send-proxy-v2": ("tcp", "", "send-proxy-v2"),
}
"""Mode, an option, and what stands behind the server's address."""

CADDY = {
    "reverse_proxy": "reverse_proxy 127.0.0.1:8080",
    "header_up host": "reverse_proxy 127.0.0.1:8080 {\n header_up Host {upstream_hostport}\n }",
    "handle_path": "handle_path /chat/* {\n reverse_proxy 127.0.0.1:8080\n }",
    "handle": "handle /chat/* {\n reverse_proxy 127.0.0.1:8080\n }",
}
"""What stands in the block of the site."""

PAGE_RECIPES = ("nginx.conf", "haproxy.cfg", "Caddyfile")
FOLDER_RECIPES = ("nginx-folder.conf", "haproxy-folder.cfg", "Caddyfile.folder")
BYTES_RECIPES = ("nginx-stream.conf", "haproxy-tcp.cfg")
"""Those that pass bytes on as they are, and say whose they are by the PROXY protocol."""
RECIPES = (*PAGE_RECIPES, *FOLDER_RECIPES, *BYTES_RECIPES)


def variables(recipe: str) -> dict[str, str]:
    """What the recipe says the relay is to be started with, by variable."""
    comment = "".join(re.findall(r"^#(.*?)\\?\n", (FOLDER / recipe).read_text(), re.MULTILINE))
    return dict(re.findall(r"(RELAY_\w+)=(\S+)", comment))


@asynccontextmanager
async def proxy(
    name: str, folder: Path, backend: int, port: int | None = None, changes: Mapping[str, str] | None = None
) -> AsyncIterator[str]:
    """Where visitors of this proxy find the page, without a slash at the end. `changes` are made to its text."""
    port = port or free_port()
    # A name of its own for HTTPS: that is what they tell sites apart by.
    url = f"https://localhost:{port}" if name in RECIPES else f"http://127.0.0.1:{port}"
    text = _recipe(name, folder, port) if name in RECIPES else _written(name, port)
    text = RELAY.sub(f"127.0.0.1:{backend}", text)
    for old, new in (changes or {}).items():
        assert old in text
        text = text.replace(old, new)
    file = folder / "proxy.conf"
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(folder)}
    if name in NGINX or name.startswith("nginx"):
        file.write_text(_nginx(text, folder))
        command = f"nginx -e stderr -p {folder} -c {file}"
    elif name in HAPROXY or name.startswith("haproxy"):
        file.write_text(text)
        command = f"haproxy -db -f {file}"
    else:
        file.write_text(_caddy(text))
        command = f"caddy run --adapter caddyfile --config {file}"
    async with _running(shlex.split(command), environment, port, secure=name in RECIPES):
        yield url + ("/chat" if name in FOLDER_RECIPES else "")


def _written(name: str, port: int) -> str:
    """One of the configurations that are told in this file."""
    if name in HAPROXY:
        mode, option, server = HAPROXY[name]
        return f"""
defaults
    timeout connect 5s
    timeout client 60s
    timeout server 60s
listen relay
    mode {mode}
    bind 127.0.0.1:{port}
    {option}
    server one 127.0.0.1:8080 {server}
"""
    if name in CADDY:
        return f"http://:{port} {{\n {CADDY[name]}\n }}\n"
    return f"""server {{
        listen 127.0.0.1:{port};
        location / {{ {NGINX[name]} proxy_pass http://127.0.0.1:8080; }}
    }}"""


def _recipe(name: str, folder: Path, port: int) -> str:
    """The recipe for this machine."""
    certificate, key = self_signed(folder, (), datetime.datetime.now(datetime.UTC))
    both = folder / "both.pem"
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    text = (FOLDER / name).read_text()
    for old, new in (
        (r"/etc/letsencrypt/live/\S+/fullchain\.pem", str(certificate)),
        (r"/etc/letsencrypt/live/\S+/privkey\.pem", str(key)),
        (r"/etc/haproxy/\S+\.pem", str(both)),
        (r"listen 443", f"listen 127.0.0.1:{port}"),
        (r"listen \[::\]:443", f"listen [::1]:{port}"),
        (r"bind :::443 v4v6", f"bind 127.0.0.1:{port}"),
        (r"^(?:talk|www)\.example\.org \{", f"https://localhost:{port} {{"),
        (r"(?:talk|www)\.example\.org", "localhost"),
    ):
        text = re.sub(old, new, text, flags=re.MULTILINE)
    return text


def _nginx(text: str, folder: Path) -> str:
    """Debian's nginx.conf around a server of its own."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    http = f"""http {{
    access_log off;
    {" ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)}
    map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
    {text}
}}"""
    is_stream = "\nstream {" in text
    return f"""
{"load_module /usr/lib/nginx/modules/ngx_stream_module.so;" if is_stream else ""}
daemon off;
user root;
pid {folder}/nginx.pid;
error_log stderr;
worker_processes 1;
events {{ worker_connections 256; }}
{text if is_stream else http}
"""


def _caddy(text: str) -> str:
    """With certificates of its own, and on loopback alone."""
    return f"""{{
    admin off
    local_certs
    skip_install_trust
    auto_https disable_redirects
    default_bind 127.0.0.1
}}
{text}"""


@asynccontextmanager
async def _running(
    command: list[str], environment: Mapping[str, str], port: int, *, secure: bool
) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE, env=environment)
    assert process.stderr is not None
    said = asyncio.ensure_future(process.stderr.read())
    try:
        async with asyncio.timeout(PATIENCE):
            while not await _answers(port, secure=secure):
                if process.returncode is not None:
                    raise AssertionError(f"{command[0]} ended: {(await said).decode()}")
                await asyncio.sleep(0.02)
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(PATIENCE):
            await process.wait()
            await said


async def _answers(port: int, *, secure: bool) -> bool:
    """Caddy makes its certificate when it listens already."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        _, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=context if secure else None, server_hostname="localhost" if secure else None
        )
    except OSError:
        return False
    writer.close()
    return True
