// @vitest-environment happy-dom

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Session } from '../core/machine/state';
import { advance, found, READY, received, TALKING, WAITING } from '../testing/sessions';
import { callForAttention } from './attention';
import { chime } from './chime';

vi.mock('./chime');

let session: Session;
let changed: () => void;
let audible: boolean;
let leave: () => void;

function go(next: Session) {
  session = next;
  changed();
}

function see(visibility: DocumentVisibilityState) {
  Object.defineProperty(document, 'visibilityState', { value: visibility, configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
}

function writes(id: string) {
  return received({ event: 'chat_message', data: { id, text: 'hi' } });
}

function icon(): string | null | undefined {
  return document.querySelector('link')?.getAttribute('href');
}

beforeEach(() => {
  vi.mocked(chime).mockClear();
  document.head.innerHTML = '<link rel="icon" href="/src/ui/favicon.svg">';
  session = WAITING;
  audible = true;
  see('visible');
  leave = callForAttention(
    {
      snapshot: () => ({ session }),
      subscribe: (told) => {
        changed = told;
        return () => undefined;
      },
    },
    () => audible,
  );
});

afterEach(() => leave());

test('a page that is looked at says how far things are, and makes no sound', () => {
  expect(document.title).toBe('Searching… · Random video chat');
  go(advance(TALKING, writes('1')));
  expect(document.title).toBe('Random video chat');
  expect(icon()).not.toContain('news');
  expect(chime).not.toHaveBeenCalled();
});

test('one that is out of sight says that somebody is there and what they wrote, until it is looked at', () => {
  see('hidden');
  go(TALKING);
  expect(document.title).toBe('● Someone is here · Random video chat');
  expect(icon()).toContain('favicon_news');
  go(advance(TALKING, writes('1')));
  expect(document.title).toBe('(1) New message · Random video chat');
  go(advance(TALKING, writes('1'), writes('2')));
  expect(document.title).toBe('(2) New messages · Random video chat');
  expect(vi.mocked(chime).mock.calls).toEqual([['found'], ['message'], ['message']]);
  see('visible');
  expect(document.title).toBe('Random video chat');
  expect(icon()).not.toContain('news');
});

test('what one does oneself, and the same state again, are no news', () => {
  see('hidden');
  go(TALKING);
  go(advance(TALKING, { type: 'say', id: 'x', text: 'mine' }));
  go(advance(TALKING, { type: 'toggle', kind: 'camera' }));
  expect(chime).toHaveBeenCalledTimes(1);
});

test('each partner is news, and of one who has left nothing is', () => {
  see('hidden');
  go(advance(TALKING, writes('1')));
  go(advance(TALKING, received(found('second'))));
  expect(document.title).toBe('● Someone is here · Random video chat');
  go(WAITING);
  expect(document.title).toBe('Searching… · Random video chat');
  go(READY);
  expect(document.title).toBe('Random video chat');
});

test('the sound can be turned off, and the rest stays', () => {
  audible = false;
  see('hidden');
  go(TALKING);
  expect(document.title).toBe('● Someone is here · Random video chat');
  expect(chime).not.toHaveBeenCalled();
});
