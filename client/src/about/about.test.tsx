// @vitest-environment happy-dom

import axe from 'axe-core';
import { afterEach, expect, test, vi } from 'vitest';
import type { Kept, Told } from '../core/browser/consent';
import { act, cleanup, fireEvent, render, screen, within } from '../testing/page';
import { Privacy } from './Privacy';
import { Rules } from './Rules';

const SITE = {
  name: 'Lounge',
  contact: 'help@example.org',
  imprint: 'https://example.org/imprint',
  links: [{ title: 'Help', url: 'https://example.org/help' }],
};
const NOBODY = { name: null, contact: null, imprint: null, links: [] };
const TOLD: Told = {
  is_needed: false,
  has_agreed: false,
  rules: '2026-12',
  rules_html: '<p>Be kind.</p>',
  minimum_age: 16,
  site: SITE,
};
const KEPT: Kept = {
  site: SITE,
  consent: true,
  cookie_days: 30,
  visits_days: 1,
  sums_days: 730,
  chats_days: null,
  accounts: false,
  turn: ['turn.example.org'],
};

afterEach(cleanup);

/** Draws the page where the relay tells this. */
async function show(Page: typeof Rules, told: object): Promise<void> {
  vi.stubGlobal('fetch', async () => Response.json(told));
  render(<Page />);
  await act(async () => void (await new Promise((done) => setTimeout(done))));
}

const rows = () => screen.getAllByRole('row').map((row) => row.textContent);

test('the rules are there to be read, with their version and the age', async () => {
  await show(Rules, TOLD);
  expect(screen.getByRole('heading', { name: 'The rules' })).toBeDefined();
  expect(screen.getByText('Be kind.')).toBeDefined();
  expect(screen.getByText('Version 2026-12')).toBeDefined();
  expect(screen.getByText(/they are 16 or older/)).toBeDefined();
  const links = within(screen.getByRole('navigation'));
  expect(links.getByRole('link', { name: 'Imprint' }).getAttribute('href')).toBe(SITE.imprint);
  expect(screen.getByRole('link', { name: 'Lounge' }).getAttribute('href')).toBe('./');
});

test('how long things are kept is what the server says', async () => {
  await show(Privacy, KEPT);
  expect(rows()).toEqual([
    'WhatHow long',
    'Picture and soundnot kept',
    'What you writenot kept',
    expect.stringMatching(/^That somebody came.*1 day$/),
    expect.stringMatching(/^Sums.*2 years$/),
    expect.stringMatching(/^The cookie.*30 days$/),
    expect.stringMatching(/^What you chose.*until you clear it$/),
  ]);
  expect(screen.getByText(/take the way over turn.example.org/)).toBeDefined();
  expect(screen.getByRole('link', { name: 'help@example.org' }).getAttribute('href')).toBe(
    'mailto:help@example.org',
  );
  expect(screen.getByRole('link', { name: 'Help' })).toBeDefined();
});

test('a place that asks nobody has no cookie, and nothing to be forgotten', async () => {
  await show(Privacy, { ...KEPT, consent: false, visits_days: null, site: NOBODY, turn: [] });
  expect(screen.queryByRole('button')).toBeNull();
  expect(screen.getByText('This place sets no cookies for visitors.')).toBeDefined();
  expect(screen.getByText('The operator has not said who they are.')).toBeDefined();
  expect(rows()).toHaveLength(6);
  expect(screen.queryByText(/take the way over/)).toBeNull();
});

test('where chats can be kept it is said when they are', async () => {
  await show(Privacy, { ...KEPT, chats_days: 30 });
  expect(screen.getByText(/kept only from when you both wish so/)).toBeDefined();
  expect(rows()).toContain('What you write, if you both want it kept30 days');
});

test('where there are accounts it is said what they hold', async () => {
  await show(Privacy, { ...KEPT, accounts: true });
  expect(rows()).toContainEqual(expect.stringMatching(/^Your account.*until you delete it$/));
  expect(screen.getByText(/Who signs in gets another one/)).toBeDefined();
});

test('who wants to be forgotten is told whether it is done', async () => {
  await show(Privacy, KEPT);
  const pressed = async (status: number) => {
    vi.stubGlobal('fetch', async () => new Response(null, { status }));
    fireEvent.click(screen.getByRole('button'));
    await act(async () => void (await new Promise((done) => setTimeout(done))));
    return screen.getByRole('status').textContent;
  };
  expect(await pressed(500)).toMatch('still there');
  expect(await pressed(204)).toMatch('The cookie is gone');
});

/** Draws the privacy page where this is kept of the reader; what is pressed is answered with `status`. */
async function showMine(mine: object, status = 200): Promise<void> {
  vi.stubGlobal('fetch', async (address: string, options?: RequestInit) => {
    if (options?.method === 'DELETE') return new Response(null, { status });
    return Response.json(address === 'videochat/me' ? mine : KEPT);
  });
  render(<Privacy />);
  // First the page's own values, then the reader's.
  await settled();
  await settled();
}

const settled = () => act(async () => void (await new Promise((done) => setTimeout(done))));

test('people see by which code they are known, and that nothing is kept of them', async () => {
  await showMine({ code: 'ABCD-EFGH-IJKL-MNOP', kept: { chats: 0 } });
  expect(screen.getByText('ABCD-EFGH-IJKL-MNOP')).toBeDefined();
  expect(screen.getByText('Nothing is kept under this code.')).toBeDefined();
  expect(screen.queryByRole('button', { name: 'Erase all of it' })).toBeNull();
});

test.each([
  [200, 'Erased'],
  [503, 'still there'],
])('what is kept is erased when it was meant: the server says %d', async (status, words) => {
  await showMine({ code: 'ABCD-EFGH-IJKL-MNOP', kept: { chats: 2 } }, status);
  expect(screen.getByText('2 chats that you and a partner kept.')).toBeDefined();
  const save = screen.getByRole('link', { name: 'Save all of it' });
  expect(save.getAttribute('href')).toBe('videochat/me/export');
  fireEvent.click(screen.getByRole('button', { name: 'Erase all of it' }));
  fireEvent.click(screen.getByRole('button', { name: 'Keep it' }));
  fireEvent.click(screen.getByRole('button', { name: 'Erase all of it' }));
  expect(screen.getByText(/gone for your partners/)).toBeDefined();
  fireEvent.click(screen.getByRole('button', { name: 'Yes, erase it' }));
  await settled();
  expect(screen.getByText(new RegExp(words))).toBeDefined();
});

test('a server that does not answer is said to', async () => {
  await show(Privacy, {});
  expect(screen.getByRole('status').textContent).toMatch('does not answer');
});

test.each([
  ['the rules', Rules, TOLD],
  ['the privacy page', Privacy, KEPT],
])('%s have no fault that a machine finds', async (_, page, told) => {
  await show(page, told);
  const { violations } = await axe.run(document.body, {
    rules: { 'color-contrast': { enabled: false } },
  });
  expect(violations.map(({ id }) => id)).toEqual([]);
});
