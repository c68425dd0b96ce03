// @vitest-environment happy-dom

import axe from 'axe-core';
import { afterEach, expect, test, vi } from 'vitest';
import { cleanup, fireEvent, render, screen } from '../testing/page';
import { Console } from './Console';
import { OperatorSession } from './session';
import { SERIES } from './types';

const OVERVIEW = {
  now: 1_000,
  version: '1.2.3',
  engine: 'packets',
  ready: true,
  uptime: 3725,
  people: 3,
  capacity: 10,
  bound: 'media threads',
  certificate_ends: 1_000 + 20 * 86_400,
  used: 0.2,
  waiting: 1,
  talking: 2,
  media_connections: 2,
  matches: 41,
  cores: 2,
  memory: 1024,
  memory_limit: 4096,
  interval: 5,
  series: Object.fromEntries(SERIES.map((name) => [name, [990, 995]])),
  rooms: [
    {
      room_id: 'abcdef0123456789',
      mode: 'video',
      seconds: 75,
      sides: [
        {
          user: 'u1',
          path: 'udp',
          received: 1_000_000,
          sent: 900_000,
          keyframe_requests: 2,
          dropped: 0,
          loss_in: 0.02,
          loss_out: 0.05,
          round_trip: 0.048,
          cap: null,
          frames_per_second: 29.6,
          height: 480,
          frozen: 0.03,
          first_frame: 0.062,
        },
        {
          user: 'u2',
          path: null,
          received: null,
          sent: null,
          keyframe_requests: null,
          dropped: null,
          loss_in: null,
          loss_out: null,
          round_trip: null,
          cap: null,
          frames_per_second: null,
          height: null,
          frozen: null,
          first_frame: null,
        },
      ],
    },
  ],
  rooms_in_all: 1,
  refused: [
    {
      reason: 'origin_refused',
      at: 875,
      times: 12,
      cause: 'https://chat.example',
      remedy: 'name the origin in RELAY_ALLOWED_ORIGINS',
    },
  ],
  troubles: [
    {
      at: 940,
      level: 'error',
      source: 'app',
      event: 'task_failed',
      detail: 'ValueError',
      times: 3,
    },
  ],
};

const asked = vi.fn<(input: string, init: RequestInit) => Promise<Response>>();

async function open(overview: object = OVERVIEW): Promise<OperatorSession> {
  asked.mockReset();
  asked.mockImplementation(async (address) =>
    /analytics|staff|audit/.test(address)
      ? new Promise(() => {})
      : new Response(JSON.stringify(overview)),
  );
  const session = new OperatorSession(asked);
  render(<Console session={session} />);
  const field = screen.getByLabelText<HTMLInputElement>('Operator’s token');
  fireEvent.change(field, { target: { value: 'secret' } });
  fireEvent.click(screen.getByRole('button', { name: 'Open' }));
  expect(field.value).toBe('');
  await screen.findByRole('region', { name: 'Rooms' });
  return session;
}

afterEach(cleanup);

test('nothing is shown and nothing asked before there is a token', () => {
  const fetching = vi.fn();
  render(<Console session={new OperatorSession(fetching)} />);
  expect(screen.queryByText('Rooms')).toBeNull();
  expect(fetching).not.toHaveBeenCalled();
  expect(screen.getByLabelText<HTMLInputElement>('Operator’s token').type).toBe('password');
});

test('people, rooms and troubles are there at a glance', async () => {
  const session = await open();
  const now = screen.getByRole('region', { name: 'Now' });
  expect(now.textContent).toContain('of 10 by media threads');
  expect(screen.getByText(/certificate ends in 20 d/)).toBeTruthy();
  expect(screen.getByRole('status').textContent).toBe('Taking people');
  const rooms = screen.getByRole('region', { name: 'Rooms' });
  expect(rooms.textContent).toContain('1 min 15 s');
  expect(rooms.textContent).toContain('sends 1.0 Mbit/s');
  expect(rooms.textContent).toContain('no media');
  expect(screen.getByRole('region', { name: 'Recent errors' }).textContent).toContain('3 times');
  const refused = screen.getByRole('region', { name: 'Refused' }).textContent;
  for (const part of [
    'origin_refused',
    'https://chat.example',
    '2 min 05 s ago, 12 times',
    'ALLOWED_ORIGINS',
  ]) {
    expect(refused).toContain(part);
  }
  expect(screen.getAllByRole('img')).toHaveLength(8);
  session.lock();
});

test('each side of a room shows what its person sees, and what its link loses', async () => {
  const session = await open();
  const rooms = screen.getByRole('region', { name: 'Rooms' }).textContent;
  expect(rooms).toContain('sees 30 fps at 480p, 3.0 % frozen');
  expect(rooms).toContain('loses 2.0 % up, 5.0 % down');
  expect(rooms).toContain('48 ms away');
  session.lock();
});

test('rooms with a poor picture come first', async () => {
  const [room] = OVERVIEW.rooms;
  const side = room?.sides[0];
  const poor = { ...room, room_id: 'poor', sides: [{ ...side, frames_per_second: 7 }, side] };
  const session = await open({ ...OVERVIEW, rooms: [room, poor], rooms_in_all: 2 });
  const shown = screen.getAllByText(/fps/).map((each) => each.dataset.quality);
  expect(shown).toEqual(['poor', 'good', 'good']);
  session.lock();
});

test('an order that ends something asks once more, and the focus stays with it', async () => {
  const session = await open();
  fireEvent.click(screen.getByRole('button', { name: 'End' }));
  expect(asked.mock.calls.some(([, init]) => init.method === 'POST')).toBe(false);
  expect(document.activeElement).toBe(screen.getByRole('button', { name: 'End' }));
  fireEvent.click(screen.getByRole('button', { name: 'End' }));
  expect(asked.mock.calls.at(-1)?.[0]).toBe('videochat/rooms/abcdef0123456789/end');
  expect(document.activeElement).toBe(screen.getByRole('region', { name: 'Rooms' }));
  fireEvent.click(screen.getByRole('button', { name: 'Drain' }));
  fireEvent.click(screen.getByRole('button', { name: 'No' }));
  expect(document.activeElement).toBe(screen.getByRole('button', { name: 'Drain' }));
  expect(asked.mock.calls.some(([address]) => address.endsWith('/drain'))).toBe(false);
  session.lock();
});

test('a draining server says so, and can not be drained twice', async () => {
  const session = await open({ ...OVERVIEW, ready: false });
  expect(screen.getByRole('status').textContent).toBe('Draining');
  expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Drain' }).disabled).toBe(true);
  session.lock();
});

test('locking leaves nothing behind', async () => {
  const session = await open();
  fireEvent.click(screen.getByRole('button', { name: 'Lock' }));
  expect(screen.queryByText('Rooms')).toBeNull();
  expect(session.state.view).toBe('locked');
});

test('both views are open to everybody', async () => {
  const rules = { 'color-contrast': { enabled: false } };
  const locked = render(<Console session={new OperatorSession(asked)} />);
  expect((await axe.run(document.body, { rules })).violations).toEqual([]);
  locked.rerender(null);
  const session = await open();
  expect((await axe.run(document.body, { rules })).violations).toEqual([]);
  session.lock();
});
