// @vitest-environment happy-dom

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { cleanup, fireEvent, render, screen } from '../testing/page';
import { KeptChats } from './KeptChats';

const CHAT = {
  id: 'a1',
  began_at: 1_900_000_000,
  until: 2_000_000_000,
  lines: [
    { at: 1, own: true, text: '<b>hello</b>' },
    { at: 2, own: false, text: null },
  ],
};

let chats: readonly (typeof CHAT)[] = [];
let status = 200;
const asked: string[] = [];

beforeEach(() => {
  chats = [CHAT];
  status = 200;
  asked.length = 0;
  vi.stubGlobal('fetch', async (path: string, how?: RequestInit) => {
    asked.push(`${how?.method ?? 'GET'} ${path}`);
    if (how?.method === 'DELETE' && status === 200) {
      chats = [];
      return new Response(null, { status: 204 });
    }
    return new Response(JSON.stringify({ days: 30, chats }), { status: how ? status : 200 });
  });
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

function open() {
  render(<KeptChats onClose={() => {}} />);
}

test('shows what was written as text, and by whom', async () => {
  open();
  expect(await screen.findByText(/2 messages/)).toBeTruthy();
  expect(screen.getByText(/<b>hello<\/b>/)).toBeTruthy();
  expect(screen.getByText(/can’t be read any more/)).toBeTruthy();
  expect(screen.getByText(/Kept until May 18, 2033/)).toBeTruthy();
});

test('erases one, and looks again', async () => {
  open();
  fireEvent.click(await screen.findByRole('button', { name: /Erase for both/, hidden: true }));
  expect(await screen.findByText('You keep none.')).toBeTruthy();
  expect(asked).toEqual([
    'GET videochat/history',
    'DELETE videochat/history/a1',
    'GET videochat/history',
  ]);
});

test('says so when it could not be erased', async () => {
  status = 503;
  open();
  fireEvent.click(await screen.findByRole('button', { name: /Erase for both/, hidden: true }));
  expect(await screen.findByText(/could not be erased/)).toBeTruthy();
  expect(screen.getByText(/2 messages/)).toBeTruthy();
});

test('says so when nothing comes', async () => {
  vi.stubGlobal('fetch', async () => new Response('', { status: 503 }));
  open();
  expect(await screen.findByText(/can’t be shown now/)).toBeTruthy();
});
