"""What people can see and press of a page at the size that it has."""

from typing import Any

from tests.kit.browsers import Person

LOOK = """() => {
  const called = document.querySelector('main').dataset.view === 'call';
  const name = (it) => it.getAttribute('aria-label') || it.labels?.[0]?.textContent.trim() || it.textContent.trim();
  const parts = [...document.querySelectorAll('button, input, select, textarea')]
    .filter((it) => it.checkVisibility({ visibilityProperty: true }) && !it.closest('[popover]'));
  const covered = [], cut = [], small = [];
  for (const it of parts) {
    // Before the start a page may be longer than the window; a call may not.
    if (!called) it.scrollIntoView({ block: 'center' });
    const box = it.getBoundingClientRect();
    const at = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    if (!(at && (it.contains(at) || at.contains(it) && at.tagName === 'LABEL'))) covered.push(name(it));
    if (box.left < -0.5 || box.right > innerWidth + 0.5) cut.push(name(it));
    if (called && (box.top < -0.5 || box.bottom > innerHeight + 0.5)) cut.push(name(it));
    if (it.tagName === 'BUTTON' && (it.scrollWidth > it.clientWidth + 1 || it.scrollHeight > it.clientHeight + 1))
      cut.push(name(it) + ' inside');
    if (it.tagName !== 'INPUT' && (box.height < 43.5 || box.width < 43.5)) small.push(name(it));
  }
  const texts = [...document.querySelectorAll('p, h1, label, option')]
    .filter((it) => it.checkVisibility({ visibilityProperty: true }) && !it.closest('[popover], [role=log]'));
  for (const it of texts) {
    const box = it.getBoundingClientRect();
    if (box.width > 2 && (box.right > innerWidth + 1 || box.left < -1)) cut.push(it.textContent);
  }
  const box = document.querySelector('textarea')?.getBoundingClientRect();
  return {
    wider: document.documentElement.scrollWidth - innerWidth,
    longer: called ? Math.max(document.documentElement.scrollHeight - innerHeight,
      document.querySelector('main').scrollHeight - document.querySelector('main').clientHeight) : 0,
    covered, cut, small,
    room: box ? Math.round(Math.min(box.width, 96) + Math.min(box.height, 40)) : null,
    names: parts.map(name),
  };
}"""


async def misfits(person: Person) -> dict[str, Any]:
    """What is covered, cut, too small for a finger, or wider than the window; empty when all is well."""
    seen: dict[str, Any] = await person.page.evaluate(LOOK)
    found: dict[str, Any] = {kind: seen[kind] for kind in ("covered", "cut", "small") if seen[kind]}
    found |= {kind: seen[kind] for kind in ("wider", "longer") if seen[kind] > 0}
    if seen["room"] is not None:
        if seen["room"] < 96 + 40:
            found["room to write"] = seen["room"]
        if missing := {"Next", "Stop", "Message"} - set(seen["names"]):
            found["missing"] = sorted(missing)
    return found
