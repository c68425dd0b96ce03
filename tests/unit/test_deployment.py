"""What `docker/compose.yaml` and its scripts promise, as far as it can be read or run without containers."""

import os
import re
import stat
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "docker/compose.yaml").read_text()
SERVICES = dict(
    re.findall(r"^  (\w+):\n((?:    .*\n|\n)+)", COMPOSE.partition("services:\n")[2].partition("\nnetworks:")[0], re.M)
)
SECRETS = ("TURN_SECRET", "OPERATOR_TOKEN", "GRAFANA_PASSWORD")


def script(service: str) -> str:
    """What its shell is given, with names of the environment as the shell sees them."""
    text = re.search(r"^    command:\n      - \|\n((?:        .*\n)+)", SERVICES[service], re.M)
    assert text is not None
    return re.sub(r"(?<!\$)\$\{(\w+)\}", r"$\1", text[1]).replace("$$", "$")


def test_all_services_are_seen() -> None:
    assert set(SERVICES) == {"relay", "coturn", "certificate", "prometheus", "grafana"}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_no_capabilities_but_those_it_names(service: str) -> None:
    assert "    cap_drop: [ALL]\n" in SERVICES[service]
    assert '    security_opt: ["no-new-privileges:true"]\n' in SERVICES[service]


@pytest.mark.parametrize("service", SERVICES)
def test_no_secret_is_on_a_command_line(service: str) -> None:
    _, _, commands = SERVICES[service].partition("    command:")
    for secret in SECRETS:
        assert "${" + secret not in commands


def test_coturn_gets_its_secret_from_a_file_that_only_it_can_read(tmp_path: Path) -> None:
    shipped, made, said = tmp_path / "shipped.conf", tmp_path / "made.conf", tmp_path / "said"
    shipped.write_text("use-auth-secret\n")
    turnserver = tmp_path / "turnserver"
    turnserver.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" "${{TURN_SECRET-unset}}" > {said}\n')
    turnserver.chmod(0o755)
    text = script("coturn").replace("/etc/coturn/turnserver.conf", str(shipped))
    text = text.replace("/var/tmp/turnserver.conf", str(made))  # noqa: S108 - the container's own
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "TURN_SECRET": "a secret", "DOMAIN": "d.example"}
    subprocess.run(["sh", "-euc", text], env={**environment, "PUBLIC_ADDRESS": "192.0.2.1"}, check=True)
    assert made.read_text() == "use-auth-secret\nstatic-auth-secret=a secret\n"
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    command, secret = said.read_text().splitlines()
    assert "--allowed-peer-ip=192.0.2.1" in command
    assert "a secret" not in command
    assert secret == "unset"


@pytest.mark.skipif(os.geteuid() != 0, reason="files are handed to another group by root alone")
def test_the_certificates_key_is_for_its_group_alone_and_can_be_renewed(tmp_path: Path) -> None:
    live, handed = tmp_path / "live", tmp_path / "certificates"
    (live / "d.example").mkdir(parents=True)
    handed.mkdir()
    text = script("certificate").replace("/etc/letsencrypt/live", str(live)).replace("/certificates/", f"{handed}/")
    once = re.sub(r"while :; do|^ *sleep 12h.*$|^ *done$", "", text, flags=re.M).replace("certbot certonly", "true")
    environment = {"PATH": os.environ["PATH"], "DOMAIN": "d.example", "CERTIFICATE_EMAIL": "you@d.example"}
    for renewed in ("first", "second"):
        for name in ("fullchain.pem", "privkey.pem"):
            (live / "d.example" / name).write_text(renewed)
        subprocess.run(["sh", "-euc", once], env=environment, check=True)
        for name in ("fullchain.pem", "privkey.pem"):
            status = (handed / name).stat()
            assert (handed / name).read_text() == renewed
            assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o440, 0, 10_001)


def test_install_scripts_of_packages_do_not_run() -> None:
    assert "ignore-scripts=true" in (ROOT / "client/.npmrc").read_text().splitlines()


def test_a_domain_names_the_hosts_that_are_served(tmp_path: Path) -> None:
    file = tmp_path / "env"
    command = [str(ROOT / "docker/make-env"), "talk.example.org", "203.0.113.7", "you@example.org"]
    subprocess.run(command, env={"PATH": os.environ["PATH"], "ENV_FILE": str(file)}, check=True, capture_output=True)
    assert "HOSTS=talk.example.org,relay" in file.read_text().splitlines()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
