"""A browser's devices from below: the tracks that it gave, and the processes that serve it."""

from pathlib import Path

from tests.kit.browsers import Person

LIVE_DEVICES = """() => {
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  window.given = [];
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await open(wanted);
    window.given.push(...stream.getTracks());
    return stream;
  };
}"""
"""Keeps every track that the browser gave."""


async def service_of(person: Person, name: str) -> int:
    """The process of a service of the person's browser, by a part of its name."""
    browser = person.page.context.browser
    assert browser is not None
    session = await browser.new_browser_cdp_session()
    processes = (await session.send("SystemInfo.getProcessInfo"))["processInfo"]
    for process in processes:
        if f"--utility-sub-type={name}" in _command_of(process["id"]):
            found: int = process["id"]
            return found
    raise AssertionError(f"no {name} among {[process['type'] for process in processes]}")


def _command_of(process: int) -> str:
    return Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace")
