"""Whether people can agree to the rules: what the host has for it, and whether it works by the way that browsers go."""

import os
import ssl
from http import HTTPStatus
from pathlib import Path

import aiohttp
import msgspec
from yarl import URL

from relay.auth import keys, rules
from relay.checks.finding import Finding, failure, ok, warning
from relay.checks.page import FAILURES
from relay.checks.plain import plain
from relay.config.settings import Settings
from relay.errors import ConfigurationError
from relay.store.database import OFF, file_of, locate

CONSENT = "videochat/consent"
"""Below the page."""

PROXY = (
    "Have the proxy pass on Host, X-Forwarded-Proto and cookies, and put it into RELAY_TRUSTED_PROXIES; until then"
    " nobody gets a partner."
)


class _Question(msgspec.Struct):
    is_needed: bool
    rules: str


def check_rules(settings: Settings) -> list[Finding]:
    """Whether there is something to agree to."""
    if not settings.consent.is_required:
        return []
    try:
        found = rules.of_place(settings.consent.rules_file)
    except ConfigurationError as error:
        return [failure("rules", str(error))]
    file = settings.consent.rules_file or "the server's own text (RELAY_RULES_FILE has yours)"
    return [ok("rules", f"Version {found.version}, of {file}.")]


def check_keys(settings: Settings) -> list[Finding]:
    """Whether those who agreed are known after a restart, and by other servers of the same place."""
    if not settings.consent.is_required and settings.state.database == OFF:
        return []
    shared = settings.consent.keys_file
    file = Path(shared) if shared else settings.state.folder / keys.FILE
    try:
        if not shared and not file.exists():
            return [_to_be_made(file)]
        document = keys.read(file)
        is_private = keys.is_private(file)
    except ConfigurationError as error:
        return [failure("keys", str(error))]
    except OSError as cause:
        return [_not_kept(file, plain(cause))]
    if not is_private:
        return [warning("keys", f"Others may read {file}: run `chmod 600 {file}`, if the servers still can.")]
    sentence = f"{file} is whole; its key signs since {document.signing[0].made}."
    if not shared and _may_be_shared(settings):
        sentence += " Where several servers share the database, give all of them the same file (RELAY_KEYS_FILE)."
    return [ok("keys", sentence)]


def _to_be_made(file: Path) -> Finding:
    nearest = next(folder for folder in file.parents if folder.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        return _not_kept(file, f"{nearest} can't be written")
    return ok("keys", f"{file} is made at the first start.")


def _not_kept(file: Path, why: str) -> Finding:
    sentence = f"They can't be kept in {file} ({why}), so a restart asks everybody to agree again."
    return warning("keys", f"{sentence} Let the server write there, or set RELAY_STATE_DIR or RELAY_KEYS_FILE.")


def _may_be_shared(settings: Settings) -> bool:
    """Whether other servers may write to the same database."""
    state = settings.state
    return state.database != OFF and file_of(locate(state.database, state.folder)) is None


async def check_consent(client: aiohttp.ClientSession, base: URL, context: ssl.SSLContext) -> list[Finding]:
    """Agree as the page does, and see that it is remembered. The client has to keep cookies."""
    try:
        asked = await _ask(client, base, context)
        if asked is None or not asked.is_needed:
            return []
        said = {"rules": asked.rules, "is_of_age": True}
        origin = {"Origin": str(base.origin())}
        async with client.post(base / CONSENT, json=said, headers=origin, ssl=context) as response:
            if response.status != HTTPStatus.NO_CONTENT:
                told = msgspec.json.decode(await response.read(), type=dict[str, object]).get("message")
                return [failure("consent", f"It is refused (HTTP {response.status}): {told} {PROXY}")]
        again = await _ask(client, base, context)
    except (*FAILURES, msgspec.MsgspecError) as cause:
        return [failure("consent", f"People can't agree to the rules: {plain(cause)}.")]
    if again is None or again.is_needed:
        return [failure("consent", f"Who agrees is asked again: the cookie does not come back. {PROXY}")]
    return [ok("consent", f"Who agrees to the rules (version {asked.rules}) is known.")]


async def _ask(client: aiohttp.ClientSession, base: URL, context: ssl.SSLContext) -> _Question | None:
    """None: this server asks nobody, as one of an earlier version."""
    async with client.get(base / CONSENT, ssl=context) as response:
        if response.status == HTTPStatus.NOT_FOUND:
            return None
        return msgspec.json.decode(await response.read(), type=_Question)
