import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { onTabsAgreed } from './tabs';

/** All tabs of one browser. What is said arrives with the next `deliver`. */
class FakeChannel extends EventTarget {
  static tabs: FakeChannel[] = [];
  static said: (() => void)[] = [];
  /** A frozen tab hears when it thaws. */
  static frozen = new Set<FakeChannel>();

  constructor() {
    super();
    FakeChannel.tabs.push(this);
  }

  postMessage(data: unknown): void {
    for (const other of FakeChannel.tabs) {
      if (other === this || FakeChannel.frozen.has(other)) continue;
      FakeChannel.said.push(() => other.dispatchEvent(new MessageEvent('message', { data })));
    }
  }

  close(): void {
    FakeChannel.tabs = FakeChannel.tabs.filter((tab) => tab !== this);
  }

  static deliver(): void {
    let words = 0;
    for (let say = FakeChannel.said.shift(); say; say = FakeChannel.said.shift()) {
      say();
      words += 1;
      if (words > 1_000) throw new Error('They never stop talking.');
    }
  }
}

interface Tab {
  /** What it was told, newest last. */
  readonly names: string[];
  readonly leave: () => void;
}

function open(): Tab {
  const names: string[] = [];
  return { names, leave: onTabsAgreed((name) => names.push(name)) };
}

/** Long enough for who hears nothing. */
function pass(milliseconds = 100): void {
  FakeChannel.deliver();
  vi.advanceTimersByTime(milliseconds);
  FakeChannel.deliver();
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('BroadcastChannel', FakeChannel);
  FakeChannel.tabs = [];
  FakeChannel.said = [];
  FakeChannel.frozen.clear();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('the tabs of one browser', () => {
  test('agree on one name, whenever they open', () => {
    const first = open();
    pass();
    const second = open();
    FakeChannel.deliver();
    expect(first.names).toHaveLength(1);
    expect(second.names).toEqual(first.names);
    pass();
    first.leave();
    const third = open();
    pass();
    expect(third.names).toEqual(second.names);
  });

  test('that open in the same moment take the smaller name', () => {
    const tabs = [open(), open(), open()];
    pass();
    const names = tabs.map(({ names }) => names.at(-1));
    expect(new Set(names).size).toBe(1);
    expect(names[0]).toBe(tabs.map(({ names }) => names[0]).sort()[0]);
  });

  test('agree later where one could not answer', () => {
    const first = open();
    pass();
    const [asleep] = FakeChannel.tabs;
    if (asleep !== undefined) FakeChannel.frozen.add(asleep);
    const second = open();
    pass();
    expect(second.names).not.toEqual(first.names);
    FakeChannel.frozen.clear();
    open();
    pass();
    expect(first.names.at(-1)).toBe(second.names.at(-1));
  });

  test('begin anew once all are closed', () => {
    const first = open();
    pass();
    first.leave();
    const second = open();
    pass();
    expect(second.names).toHaveLength(1);
    expect(second.names).not.toEqual(first.names);
  });

  test('which are closed say and make up nothing any more', () => {
    const tab = open();
    tab.leave();
    pass();
    expect(tab.names).toEqual([]);
  });

  test('have no name where the browser gives them no way to agree', () => {
    vi.stubGlobal('BroadcastChannel', undefined);
    const tab = open();
    pass();
    expect(tab.names).toEqual([]);
  });
});
