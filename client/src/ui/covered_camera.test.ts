// @vitest-environment happy-dom

import { afterEach, beforeEach, expect, test } from 'vitest';
import type { SessionEvent } from '../core/machine/events';
import { reduce } from '../core/machine/session';
import type { Session } from '../core/machine/state';
import { advance, found, parted, READY, received, TALKING, WAITING } from '../testing/sessions';
import { coverUnlessLookedAt } from './covered_camera';

let session: Session;
let changed: () => void;
let leave: () => void;

function happen(...events: SessionEvent[]) {
  for (const event of events) session = reduce(session, event)[0];
  changed();
}

function see(visibility: DocumentVisibilityState) {
  Object.defineProperty(document, 'visibilityState', { value: visibility, configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
}

function begin(state: Session) {
  session = state;
  leave = coverUnlessLookedAt({
    snapshot: () => ({ session }),
    subscribe: (told) => {
      changed = told;
      return () => undefined;
    },
    act: (event) => happen(event),
  });
}

beforeEach(() => see('visible'));
afterEach(() => leave());

test('who is paired while they look elsewhere is not seen until they look', () => {
  begin(WAITING);
  see('hidden');
  expect(session.on.camera).toBe(false);
  happen(received(found('first')));
  expect(session.on.camera).toBe(false);
  see('visible');
  expect(session.on.camera).toBe(true);
});

test('who looks away from a partner goes on being seen by them, and not by the next', () => {
  begin(TALKING);
  see('hidden');
  expect(session.on.camera).toBe(true);
  happen(received(parted('left', true)));
  expect(session.on.camera).toBe(false);
  happen(received(found('second')));
  see('visible');
  expect(session.on.camera).toBe(true);
});

test('a partner who follows another at once does not see them either', () => {
  begin(TALKING);
  see('hidden');
  happen(received(found('second')));
  expect(session.on.camera).toBe(false);
});

test('a camera that the person turned off stays off', () => {
  begin(advance(WAITING, { type: 'toggle', kind: 'camera' }));
  see('hidden');
  happen(received(found('first')));
  see('visible');
  expect(session.on.camera).toBe(false);
});

test('before the start, and where no camera is shared, nothing is turned', () => {
  begin(READY);
  see('hidden');
  expect(session.on.camera).toBe(true);
  leave();
  see('visible');
  begin(advance(READY, { type: 'choose_mode', mode: 'audio' }, { type: 'start' }));
  see('hidden');
  expect(session.on.camera).toBe(true);
});
