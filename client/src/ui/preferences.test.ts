// @vitest-environment happy-dom

import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { PersonEvent } from '../core/machine/events';
import { reduce } from '../core/machine/session';
import type { Session } from '../core/machine/state';
import { READY } from '../testing/sessions';
import { Preferences, parse } from './preferences';

function conversation() {
  let session: Session = READY;
  let changed: () => void = () => undefined;
  return {
    snapshot: () => ({ session }),
    subscribe: (told: () => void) => {
      changed = told;
      return () => undefined;
    },
    act: (event: PersonEvent) => {
      session = reduce(session, event)[0];
      changed();
    },
  };
}

function chosen({ snapshot }: ReturnType<typeof conversation>) {
  const { mode, keepSearching, picked } = snapshot().session;
  return { mode, keepSearching, camera: picked.camera };
}

beforeEach(() => localStorage.clear());

test('the next visit begins as the last one was left', () => {
  const first = conversation();
  const preferences = new Preferences();
  preferences.follow(first);
  expect(chosen(first)).toEqual({ mode: 'video', keepSearching: true, camera: null });
  first.act({ type: 'choose_device', kind: 'camera', id: 'cam-2' });
  first.act({ type: 'choose_mode', mode: 'text' });
  first.act({ type: 'choose_keep_searching', on: false });
  preferences.choose(false);
  const second = conversation();
  const later = new Preferences();
  later.follow(second);
  expect(chosen(second)).toEqual({ mode: 'text', keepSearching: false, camera: 'cam-2' });
  expect(later.sound()).toBe(false);
});

test('who wants the sound is told of by the switch', () => {
  const preferences = new Preferences();
  const changed = vi.fn();
  preferences.subscribe(changed);
  preferences.choose(false);
  expect(changed).toHaveBeenCalledTimes(1);
  expect(preferences.sound()).toBe(false);
});

test('a browser that keeps nothing forgets, and works', () => {
  vi.stubGlobal('localStorage', {
    getItem: () => {
      throw new DOMException('denied', 'SecurityError');
    },
    setItem: () => {
      throw new DOMException('denied', 'SecurityError');
    },
  });
  const first = conversation();
  const preferences = new Preferences();
  preferences.follow(first);
  first.act({ type: 'choose_mode', mode: 'audio' });
  preferences.choose(false);
  expect(preferences.sound()).toBe(false);
});

describe('what was written', () => {
  test.each([
    null,
    '',
    'null',
    '[]',
    '7',
    '{',
    '{"mode":"hologram","keepSearching":"no","picked":7}',
    '{"picked":{"camera":7}}',
    '{"picked":null}',
  ])('%j is as good as nothing', (written) => {
    expect(parse(written)).toEqual({
      mode: 'video',
      keepSearching: true,
      picked: { microphone: null, camera: null },
      sound: true,
    });
  });
});
