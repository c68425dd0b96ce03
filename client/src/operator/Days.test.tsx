// @vitest-environment happy-dom

import axe from 'axe-core';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { cleanup, fireEvent, render, screen } from '../testing/page';
import { Days } from './Days';
import { columns } from './days';
import { OperatorSession } from './session';
import type { Period } from './types';

const HOUR = 3600;

function period(at: number, more: Partial<Period> = {}): Period {
  return {
    at,
    people: 0,
    waits: 0,
    mean_wait: null,
    rooms_video: 0,
    rooms_audio: 0,
    rooms_text: 0,
    ended_next: 0,
    ended_left: 0,
    ended_disconnected: 0,
    ended_operator: 0,
    ended_server_stopping: 0,
    mean_room: null,
    mean_visit: null,
    connected: 0,
    failed: 0,
    success: null,
    new_visitors: 0,
    returned_visitors: 0,
    retention: null,
    ...more,
  };
}

const TOLD = {
  step: HOUR,
  periods: [period(0), period(HOUR, { people: 7, mean_wait: 2.5 })],
  total: period(0, { people: 1234, waits: 30, mean_wait: 4.25, mean_room: 125, success: 0.97 }),
};

const asked = vi.fn<(input: string, init: RequestInit) => Promise<Response>>();

beforeEach(() => {
  vi.useFakeTimers();
  asked.mockReset();
  asked.mockImplementation(async () => new Response(JSON.stringify(TOLD)));
});

afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

async function show(): Promise<void> {
  render(<Days session={new OperatorSession(asked)} />);
  await vi.advanceTimersByTimeAsync(100);
}

const addresses = () => asked.mock.calls.map(([address]) => address);

test('a chart says what there was in all, until an hour is pointed at', async () => {
  await show();
  expect(addresses()).toEqual(['videochat/analytics?days=7&by=hour']);
  expect(screen.getAllByRole('img')).toHaveLength(8);
  const chart = screen.getByRole('img', { name: /^People who came/ });
  expect(chart.getAttribute('aria-label')).toBe('People who came: people 1,234');
  chart.getBoundingClientRect = () => ({ left: 0, width: 100 }) as DOMRect;
  fireEvent.pointerMove(chart, { clientX: 100 });
  await vi.advanceTimersByTimeAsync(100);
  expect(chart.getAttribute('aria-label')).toBe('People who came: people 7');
  expect(screen.getByText('2 min 05 s', { exact: false })).toBeTruthy();
});

test('another span is asked for at once, and each of them again every minute', async () => {
  await show();
  fireEvent.click(screen.getByRole('button', { name: '24 hours' }));
  await vi.advanceTimersByTimeAsync(100);
  const pressed = screen.getByRole('button', { pressed: true });
  expect(pressed.textContent).toBe('24 hours');
  await vi.advanceTimersByTimeAsync(60_000);
  expect(addresses()).toEqual([
    'videochat/analytics?days=7&by=hour',
    'videochat/analytics?days=1&by=hour',
    'videochat/analytics?days=1&by=hour',
  ]);
});

test.each([
  [404, 'Nothing is kept: RELAY_DATABASE is off.'],
  [503, 'The database is away. The log says why.'],
])('without figures (%i) it is said why, and there are no charts', async (status, message) => {
  asked.mockImplementation(async () => new Response(JSON.stringify({ message }), { status }));
  await show();
  expect(screen.getByRole('status').textContent).toBe(message);
  expect(screen.queryByRole('img')).toBeNull();
  const table = screen.getByRole<HTMLButtonElement>('button', { name: 'Table (CSV)' });
  expect(table.disabled).toBe(true);
});

test('what was told stays, marked as old, while the database is away', async () => {
  await show();
  asked.mockImplementationOnce(async () => {
    return new Response(JSON.stringify({ message: 'The database is away.' }), { status: 503 });
  });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(screen.getByRole('status').textContent).toBe(
    'The database is away. What you see is the last that it said.',
  );
  expect(screen.getAllByRole('img')).toHaveLength(8);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(screen.queryByRole('status')).toBeNull();
});

test('the table of what is shown becomes a file', async () => {
  const saved: [string, string][] = [];
  vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (
    this: HTMLAnchorElement,
  ) {
    saved.push([this.download, this.protocol]);
  });
  await show();
  fireEvent.click(screen.getByRole('button', { name: '30 days' }));
  await vi.advanceTimersByTimeAsync(100);
  fireEvent.click(screen.getByRole('button', { name: 'Table (CSV)' }));
  await vi.advanceTimersByTimeAsync(100);
  expect(addresses().at(-1)).toBe('videochat/analytics.csv?days=30&by=day');
  expect(asked.mock.calls.at(-1)?.[1].credentials).toBe('same-origin');
  expect(saved).toEqual([['relay-30-days.csv', 'blob:']]);
});

test('nothing is asked for any more once the console is locked', async () => {
  const { rerender } = render(<Days session={new OperatorSession(asked)} />);
  await vi.advanceTimersByTimeAsync(100);
  rerender(null);
  await vi.advanceTimersByTimeAsync(200_000);
  expect(addresses()).toHaveLength(1);
});

test('it is open to everybody', async () => {
  await show();
  vi.useRealTimers();
  const rules = { 'color-contrast': { enabled: false } };
  expect((await axe.run(document.body, { rules })).violations).toEqual([]);
});

test('periods become one list for each figure', () => {
  const { at, people, mean_wait } = columns(TOLD.periods);
  expect([at, people, mean_wait]).toEqual([
    [0, HOUR],
    [0, 7],
    [null, 2.5],
  ]);
});
