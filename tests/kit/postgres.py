"""A real PostgreSQL of the test's own, on loopback: Debian's package, without its service."""

import os
import pwd
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import run
from tempfile import TemporaryDirectory

from tests.kit.ports import free_port

VERSIONS = Path("/usr/lib/postgresql")
ACCOUNT = "postgres"
"""It refuses to run as root, so root lets this user run it."""
QUICK = ("-c", "fsync=off", "-c", "unix_socket_directories=", "-c", "listen_addresses=127.0.0.1")


class Postgres:
    """A cluster that can be stopped and started; its data stays."""

    def __init__(self, folder: Path) -> None:
        self._programs = max(VERSIONS.glob("*/bin"), key=lambda found: int(found.parent.name))
        self._data = folder / "data"
        self._log = folder / "log"
        self._port = free_port()
        if os.geteuid() == 0:
            account = pwd.getpwnam(ACCOUNT)
            os.chown(folder, account.pw_uid, account.pw_gid)
        self._run("initdb", "-D", str(self._data), "-U", ACCOUNT, "-A", "trust", "-E", "UTF8", "--no-sync")

    def url(self, database: str = ACCOUNT) -> str:
        return f"postgresql://{ACCOUNT}@127.0.0.1:{self._port}/{database}"

    def start(self) -> None:
        options = " ".join((*QUICK, f"-p {self._port}"))
        self._run("pg_ctl", "start", "-w", "-D", str(self._data), "-l", str(self._log), "-o", options)

    def stop(self) -> None:
        """At once: whoever is connected loses the connection."""
        self._run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(self._data))

    def freeze(self) -> None:
        """It takes connections and answers nothing more."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        """The server, and those that serve a connection."""
        main = int((self._data / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        for process in (main, *map(int, children)):
            # One that serves nobody any more may just have ended.
            with suppress(ProcessLookupError):
                os.kill(process, number)

    def create(self, database: str) -> str:
        """An empty database; gives its URL."""
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self._port), "-U", ACCOUNT, database)
        return self.url(database)

    def _run(self, program: str, *arguments: str) -> None:
        as_root = os.geteuid() == 0
        prefix = ["runuser", "-u", ACCOUNT, "--"] if as_root else []
        done = run(
            [*prefix, str(self._programs / program), *arguments], cwd="/", capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"


@contextmanager
def postgres() -> Iterator[Postgres]:
    """One that runs, and ends with the block. Its folder is not among the test's, which no other user may enter."""
    with TemporaryDirectory(prefix="postgres-") as folder:
        server = Postgres(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()
