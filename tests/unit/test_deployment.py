"""What `docker/compose.yaml` and its scripts promise, as far as it can be read or run without containers."""

import contextlib
import fnmatch
import os
import re
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 10.0


def services(file: str) -> dict[str, str]:
    """What it says of each."""
    text = (ROOT / file).read_text().partition("services:\n")[2].partition("\nnetworks:")[0]
    return dict(re.findall(r"^  (\w+):\n((?:    .*\n|\n)+)", text, re.M))


COMPOSE = services("docker/compose.yaml")
VARIANT = services("docker/turn/compose.yaml")
SERVICES = {**COMPOSE, "coturn": VARIANT["coturn"]}
SCRIPTS = {"coturn": ROOT / "docker/turn/run.sh", "certificate": ROOT / "docker/certificate.sh"}
SECRETS = ("TURN_SECRET", "OPERATOR_TOKEN", "GRAFANA_PASSWORD")


def program(folder: Path, name: str, does: str) -> None:
    """One that a script finds in the place of the real one."""
    file = folder / name
    file.write_text(f"#!/bin/sh\n{does}\n")
    file.chmod(0o755)


def script(service: str, places: Mapping[str, Path]) -> str:
    """What this service runs, with folders of the test's in the place of the container's."""
    text = SCRIPTS[service].read_text()
    for old, new in places.items():
        assert old in text
        text = text.replace(old, str(new))
    return text


def test_all_services_are_seen() -> None:
    assert set(COMPOSE) == {"relay", "certificate", "prometheus", "alertmanager", "grafana"}
    assert set(VARIANT) == {"relay", "coturn", "prometheus"}


def test_only_the_variant_with_coturn_knows_of_servers_outside() -> None:
    named = {"RELAY_TURN_URLS", "RELAY_TURN_SECRET"}
    assert set(re.findall(r"RELAY_TURN_\w+", VARIANT["relay"])) == named
    assert not any("TURN" in text for text in COMPOSE.values())


def test_prometheus_looks_for_coturn_where_the_variant_has_it() -> None:
    (mounted,) = re.findall(r"- \./turn/watched\.yml:(/\S+):ro", VARIANT["prometheus"])
    (looked_for,) = re.findall(r"files: \[(\S+)\]", (ROOT / "docker/prometheus/prometheus.yml").read_text())
    assert fnmatch.fnmatch(mounted, looked_for)
    assert "targets: [" in (ROOT / "docker/turn/watched.yml").read_text()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_no_capabilities_but_those_it_names(service: str) -> None:
    assert "    cap_drop: [ALL]\n" in SERVICES[service]
    assert '    security_opt: ["no-new-privileges:true"]\n' in SERVICES[service]


@pytest.mark.parametrize("service", SERVICES)
def test_no_secret_is_on_a_command_line(service: str) -> None:
    _, _, commands = SERVICES[service].partition("    command:")
    for secret in SECRETS:
        assert "${" + secret not in commands


@pytest.mark.parametrize("service", SERVICES)
def test_logs_are_kept_to_a_limit(service: str) -> None:
    is_limited = "    logging: *logging\n" in SERVICES[service] or 'max-size: 50m, max-file: "3"' in SERVICES[service]
    assert is_limited


@pytest.mark.parametrize("service", SCRIPTS)
def test_the_scripts_that_services_run_are_there(service: str) -> None:
    name = SCRIPTS[service].relative_to(ROOT / "docker")
    (mounted,) = re.findall(rf"- \./{name}:(/\S+):ro", SERVICES[service])
    assert f'entrypoint: ["/bin/sh", "{mounted}"]' in SERVICES[service]


@pytest.fixture
def coturn(tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts what stands for coturn, as its service does. What it is told is in `said`."""
    (tmp_path / "shipped.conf").write_text("use-auth-secret\n")
    said = tmp_path / "said"
    helps = 'case "$*" in *--help*) echo --prometheus-address; exit ;; esac'
    signals = f"trap 'echo USR2 >> {said}' USR2; trap 'echo TERM >> {said}; exit' TERM"
    stays = "while :; do /bin/sleep 0.02; done"
    program(
        tmp_path, "turnserver", f'{helps}\n{signals}\nprintf "%s\\n" "$*" "${{TURN_SECRET-unset}}" > {said}\n{stays}'
    )
    program(tmp_path, "sleep", "exec /bin/sleep 0.05")
    text = script(
        "coturn",
        {
            "/etc/coturn/turnserver.conf": tmp_path / "shipped.conf",
            "/var/tmp/turnserver.conf": tmp_path / "made.conf",  # noqa: S108 - the container's own
            "/certificates": tmp_path / "certificates",
        },
    )
    (tmp_path / "run.sh").write_text(text)
    started = []

    def start() -> subprocess.Popen[bytes]:
        environment = {
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "TURN_SECRET": "a secret",
            "DOMAIN": "d.example",
            "PUBLIC_ADDRESS": "192.0.2.1",
            "WATCHED_AT": "192.0.2.9",
        }
        started.append(subprocess.Popen(["sh", tmp_path / "run.sh"], env=environment, start_new_session=True))
        await_line(said, "unset")
        return started[-1]

    yield start
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def await_line(file: Path, line: str, times: int = 1) -> None:
    """Until it is in there so often."""
    deadline = time.monotonic() + PATIENCE
    while not file.exists() or file.read_text().splitlines().count(line) < times:
        assert time.monotonic() < deadline, f"no {line} in {file}"
        time.sleep(0.02)


def certificate(folder: Path, content: str) -> None:
    (folder / "certificates").mkdir(exist_ok=True)
    for name in ("fullchain.pem", "privkey.pem"):
        (folder / "certificates" / name).write_text(content)


def test_coturn_gets_its_secret_from_a_file_that_only_it_can_read(
    coturn: Callable[[], subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    coturn()
    made = tmp_path / "made.conf"
    assert made.read_text() == "use-auth-secret\nstatic-auth-secret=a secret\n"
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    command, secret = (tmp_path / "said").read_text().splitlines()
    assert "--allowed-peer-ip=192.0.2.1" in command
    assert "--prometheus-address=192.0.2.9" in command
    assert "a secret" not in command
    assert secret == "unset"


def test_coturn_reads_a_renewed_certificate_and_goes_on(
    coturn: Callable[[], subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    certificate(tmp_path, "first")
    process = coturn()
    for number, content in enumerate(("second", "third"), start=1):
        certificate(tmp_path, content)
        await_line(tmp_path / "said", "USR2", number)
    assert process.poll() is None


def test_coturn_is_started_again_once_there_is_a_certificate(
    coturn: Callable[[], subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    process = coturn()
    certificate(tmp_path, "first")
    await_line(tmp_path / "said", "TERM")
    assert process.wait(PATIENCE) == 0


def keep_certificate(folder: Path, outcomes: str) -> list[str]:
    """Run the script until certbot has succeeded (`y`) or failed (`n`) so often; how long it rested after each."""
    program(
        folder,
        "certbot",
        f"read -r outcome rest < {folder}/outcomes; echo $rest > {folder}/outcomes; test $outcome = y",
    )
    ended = f'test -n "$(cat {folder}/outcomes)" || kill -KILL $PPID'
    program(folder, "sleep", f"echo $1 >> {folder}/rests; {ended}")
    (folder / "outcomes").write_text(" ".join(outcomes) + "\n")
    (folder / "live/d.example").mkdir(parents=True, exist_ok=True)
    (folder / "certificates").mkdir(exist_ok=True)
    text = script("certificate", {"/etc/letsencrypt/live": folder / "live", "/certificates": folder / "certificates"})
    environment = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "DOMAIN": "d.example",
        "CERTIFICATE_EMAIL": "you@d.example",
    }
    subprocess.run(["sh", "-c", text], env=environment, timeout=PATIENCE, check=False, capture_output=True)
    return (folder / "rests").read_text().split()


@pytest.mark.skipif(os.geteuid() != 0, reason="files are handed to another group by root alone")
class TestCertificate:
    @pytest.fixture
    def live(self, tmp_path: Path) -> Path:
        folder = tmp_path / "live/d.example"
        folder.mkdir(parents=True)
        for name in ("fullchain.pem", "privkey.pem"):
            (folder / name).write_text("first")
        return folder

    @pytest.mark.usefixtures("live")
    def test_a_first_try_that_fails_is_repeated_soon_and_then_every_hour(self, tmp_path: Path) -> None:
        assert keep_certificate(tmp_path, "nnnnny") == ["1m", "5m", "15m", "1h", "1h", "12h"]

    @pytest.mark.usefixtures("live")
    def test_a_renewal_that_fails_begins_anew(self, tmp_path: Path) -> None:
        assert keep_certificate(tmp_path, "yynny") == ["12h", "12h", "1m", "5m", "12h"]

    def test_what_cannot_be_handed_over_is_tried_again_as_well(self, tmp_path: Path) -> None:
        assert keep_certificate(tmp_path, "yy") == ["1m", "5m"]

    def test_the_key_is_for_its_group_alone_and_can_be_renewed(self, live: Path, tmp_path: Path) -> None:
        for renewed in ("first", "second"):
            for name in ("fullchain.pem", "privkey.pem"):
                (live / name).write_text(renewed)
            keep_certificate(tmp_path, "y")
            for name in ("fullchain.pem", "privkey.pem"):
                handed = tmp_path / "certificates" / name
                status = handed.stat()
                assert handed.read_text() == renewed
                assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o440, 0, 10_001)


def test_install_scripts_of_packages_do_not_run() -> None:
    assert "ignore-scripts=true" in (ROOT / "client/.npmrc").read_text().splitlines()


def test_a_domain_names_the_hosts_that_are_served(tmp_path: Path) -> None:
    file = tmp_path / "env"
    command = [str(ROOT / "docker/make-env"), "talk.example.org", "203.0.113.7", "you@example.org"]
    subprocess.run(command, env={"PATH": os.environ["PATH"], "ENV_FILE": str(file)}, check=True, capture_output=True)
    assert "HOSTS=talk.example.org,relay" in file.read_text().splitlines()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
