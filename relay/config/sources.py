"""Where settings come from, and where each value did.

Later wins: defaults, a TOML file (`--config` or `RELAY_CONFIG`), the environment (`RELAY_*`), flags. Read
once at start-up, frozen, passed down. A setting that is unknown, ill-typed or contradicts another
stops start-up with a sentence that names it.
"""

import re
import tomllib
from collections.abc import Collection, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec

from relay.config.names import RENAMED, SECRETS, meant, written
from relay.config.rules import check
from relay.config.settings import TYPES, Settings, TlsChoice
from relay.errors import ConfigurationError

ENVIRONMENT_PREFIX = "RELAY_"
CONFIG_VARIABLE = "RELAY_CONFIG"

INJECTED = re.compile(r"(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?|ENV_\w+)")
"""What Kubernetes and Docker's links put into the environment for a service called `relay`, after the prefix."""
INJECTED_VALUES = {"PORT": re.compile(r"(tcp|udp|sctp)://\S+"), "NAME": re.compile(r"/\S+")}
"""The same in variables that end so, and may be ours."""

FILE_SUFFIX = "_FILE"
LARGEST_SECRET = 4_096
"""Bytes of a file that holds a secret."""

SELF_SIGNED_PORT = 8443

FAULTS = (
    (r"Expected `str` of length >= (\d+)", "needs at least {} characters"),
    (r"Expected `str` of length <= (\d+)", "may have at most {} characters"),
    (r"Expected `(?:int|float)` >= ([\d.]+)", "must be {} or more"),
    (r"Expected `(?:int|float)` <= ([\d.]+)", "must be {} or less"),
    (r"Expected `(?:int|float)`, got `.*`", "is not a number"),
    (r"Expected `bool`, got `.*`", "is neither true nor false"),
)
"""How msgspec puts it, and how we do."""


class Configuration(msgspec.Struct, frozen=True):
    """The settings, and for each where its value came from."""

    settings: Settings
    origins: Mapping[str, str]
    ignored: tuple[str, ...] = ()
    """Variables that look like settings, and that an orchestrator put there."""


def load(
    environment: Mapping[str, str], flags: Mapping[str, str] | None = None, config_file: str | None = None
) -> Configuration:
    """Merge all sources. `flags` maps setting names to what was written on the command line.

    Raises:
        ConfigurationError: with a sentence that names the setting and its source.
    """
    ignored = _injected(environment, TYPES)
    environment = {name: value for name, value in environment.items() if name not in ignored}
    values: dict[str, Any] = {}
    origins = dict.fromkeys(TYPES, "default")
    config_file = config_file or environment.get(CONFIG_VARIABLE)
    for given, origin in (
        (_from_file(config_file), f"file {config_file}"),
        (_from_environment(environment), "environment"),
        (dict(flags or {}), "flag"),
    ):
        for name, raw in given.items():
            label = _label(name, origin)
            if name in RENAMED:
                raise ConfigurationError(f"{label} is called {_label(RENAMED[name], origin)} now: write that.")
            if name not in TYPES:
                raise ConfigurationError(
                    f"{label} is not a setting.{near(name, origin)} `relay config` lists them all."
                )
            values[name] = _convert(raw, TYPES[name], label)
            origins[name] = origin
    if values.get("tls") is TlsChoice.SELF_SIGNED:
        values.setdefault("port", SELF_SIGNED_PORT)
        if origins["port"] == "default":
            origins["port"] = "default with tls = self-signed"
    settings = Settings.of(**values)
    check(settings)
    return Configuration(settings, origins, ignored)


def display(configuration: Configuration) -> list[tuple[str, str, str]]:
    """Rows of (setting, value with secrets masked, origin), in the order of definition."""
    return [
        (name, "***" if name in SECRETS and value else written(value), configuration.origins[name])
        for name, value in configuration.settings.items()
    ]


def near(name: str, origin: str) -> str:
    """What somebody may have meant who wrote a setting that there is not: a sentence with a blank before it, or
    nothing."""
    if name.removesuffix(FILE_SUFFIX.lower()) in SECRETS:
        return f" It is for the environment alone: {ENVIRONMENT_PREFIX}{name.upper()}."
    likely = meant(name)
    named = origin if origin in ("environment", "flag") else ""
    return f" Did you mean {_label(likely, named)}?" if likely else ""


def _injected(environment: Mapping[str, str], settings: Collection[str]) -> tuple[str, ...]:
    found = []
    for variable, value in environment.items():
        name = variable.removeprefix(ENVIRONMENT_PREFIX)
        if name == variable:
            continue
        of_link = any(name.endswith(end) and form.fullmatch(value) for end, form in INJECTED_VALUES.items())
        if of_link or (INJECTED.fullmatch(name) and name.lower() not in settings):
            found.append(variable)
    return tuple(sorted(found))


def _label(name: str, origin: str) -> str:
    match origin:
        case "environment":
            return ENVIRONMENT_PREFIX + name.upper()
        case "flag":
            return "--" + name.replace("_", "-")
        case "":
            return f"`{name}`"
        case _:
            return f"`{name}` in {origin}"


def _from_file(path: str | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(Path(path).read_text())
    except (OSError, UnicodeDecodeError) as cause:
        raise ConfigurationError(f"The configuration file {path} can't be read: {cause}.") from cause
    except tomllib.TOMLDecodeError as cause:
        raise ConfigurationError(f"The configuration file {path} is not valid TOML: {cause}.") from cause


def _from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Without those that are empty: so Compose and service files write what somebody did not set."""
    given = {
        variable: value
        for variable, value in environment.items()
        if variable.startswith(ENVIRONMENT_PREFIX) and variable != CONFIG_VARIABLE and value
    }
    for name in sorted(SECRETS):
        variable = ENVIRONMENT_PREFIX + name.upper()
        path = given.pop(variable + FILE_SUFFIX, None)
        if path is None:
            continue
        if variable in given:
            raise ConfigurationError(f"{variable} and {variable}{FILE_SUFFIX} exclude each other: remove one of them.")
        given[variable] = _secret_in(path, variable + FILE_SUFFIX)
    return {variable.removeprefix(ENVIRONMENT_PREFIX).lower(): value for variable, value in given.items()}


def _secret_in(path: str, variable: str) -> str:
    """What the file holds, without the newline that editors put at the end."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(LARGEST_SECRET + 1)
        text = content.decode().removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError) as cause:
        why = cause.strerror if isinstance(cause, OSError) else "it is not text in UTF-8"
        raise ConfigurationError(f"The file {path} of {variable} can't be read: {why}.") from cause
    if not text:
        raise ConfigurationError(f"The file {path} of {variable} is empty.")
    if len(content) > LARGEST_SECRET or not text.isprintable():
        raise ConfigurationError(f"The file {path} of {variable} is not one line of at most {LARGEST_SECRET} bytes.")
    return text


def _convert(raw: Any, kind: Any, label: str) -> Any:
    try:
        return msgspec.convert(raw, kind, strict=False)
    except msgspec.ValidationError as first:
        if isinstance(raw, str):
            # A list is written with commas where the source has only text.
            parts = [part.strip() for part in raw.split(",") if part.strip()]
            try:
                return msgspec.convert(parts, kind, strict=False)
            except msgspec.ValidationError:
                pass
        if isinstance(raw, str) and (allowed := _choices(kind)):
            raise ConfigurationError(f"{label} is {raw!r}, and can be: {', '.join(allowed)}.") from first
        raise ConfigurationError(f"{label} {_fault(str(first))}.") from first


def _fault(told: str) -> str:
    """What msgspec says of a value, in an operator's words."""
    for pattern, words in FAULTS:
        if found := re.fullmatch(pattern, told):
            return words.format(*found.groups())
    return f"is not right: {told}"


def _choices(kind: Any) -> list[str]:
    """The values of an enumeration, wherever it is in the type."""
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return [member.value for member in kind]
    if get_origin(kind) is Literal:
        # A word where there is a number otherwise.
        return [*get_args(kind), "a number"]
    return [choice for part in get_args(kind) for choice in _choices(part)]
