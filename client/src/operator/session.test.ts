import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { INTERVAL, OperatorSession, type State } from './session';
import { type Overview, SERIES, type Series } from './types';

const TOKEN = 'a token of the operator';

function series(...times: number[]): Series {
  return Object.fromEntries(SERIES.map((name) => [name, times])) as unknown as Series;
}

function overview(...times: number[]): Overview {
  return {
    now: 100,
    version: '1',
    engine: 'packets',
    ready: true,
    uptime: 10,
    people: 2,
    capacity: 10,
    bound: 'media threads',
    certificate_ends: null,
    used: 0.2,
    waiting: 0,
    talking: 2,
    media_connections: 2,
    matches: 1,
    cores: 2,
    memory: 1,
    memory_limit: 2,
    interval: 5,
    series: series(...times),
    rooms: [],
    rooms_in_all: 0,
    refused: [],
    troubles: [],
  };
}

function answer(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers });
}

function opened(state: State): Extract<State, { view: 'open' }> {
  if (state.view !== 'open') throw new Error(`locked: ${state.refusal}`);
  return state;
}

const asked = vi.fn<(input: string, init: RequestInit) => Promise<Response>>();

beforeEach(() => {
  vi.useFakeTimers();
  asked.mockReset();
});
afterEach(() => vi.useRealTimers());

describe('the token', () => {
  test('goes into a header and into no address', async () => {
    asked.mockImplementation(async () => answer(overview(5)));
    const session = new OperatorSession(asked);
    await session.open(TOKEN);
    await session.endRoom('r/1');
    session.lock();
    for (const [address, init] of asked.mock.calls) {
      expect(address).not.toContain('token');
      expect(init.headers).toEqual({ Authorization: `Bearer ${TOKEN}` });
    }
    expect(asked.mock.calls.map(([address]) => address)).toContain('videochat/rooms/r%2F1/end');
    expect(JSON.stringify(session)).not.toContain(TOKEN);
  });

  test('is forgotten when it is wrong', async () => {
    asked.mockImplementation(async () => answer({ message: 'It is wrong.' }, 401));
    const session = new OperatorSession(asked);
    await session.open(TOKEN);
    expect(session.state).toEqual({ view: 'locked', refusal: 'It is wrong.', busy: false });
    await vi.advanceTimersByTimeAsync(10 * INTERVAL);
    expect(asked).toHaveBeenCalledTimes(1);
  });

  test('is not tried again while the server wants patience', async () => {
    asked.mockImplementation(async () => answer({}, 429, { 'Retry-After': '12' }));
    const session = new OperatorSession(asked);
    await session.open(TOKEN);
    expect(session.state).toMatchObject({ refusal: expect.stringContaining('12 seconds') });
  });
});

describe('the overview', () => {
  test('is asked for again and again, and only for what is new', async () => {
    asked.mockImplementationOnce(async () => answer(overview(5, 10)));
    asked.mockImplementation(async () => answer(overview(15)));
    const session = new OperatorSession(asked);
    await session.open(TOKEN);
    await vi.advanceTimersByTimeAsync(INTERVAL);
    expect(asked.mock.calls.map(([address]) => address)).toEqual([
      'videochat/overview?since=0',
      'videochat/overview?since=10',
    ]);
    expect(opened(session.state).overview.series.at).toEqual([5, 10, 15]);
  });

  test('stays, marked as old, while the server does not answer', async () => {
    asked.mockImplementationOnce(async () => answer(overview(5)));
    asked.mockImplementationOnce(async () => Promise.reject(new TypeError('no network')));
    asked.mockImplementation(async () => answer(overview(10)));
    const session = new OperatorSession(asked);
    await session.open(TOKEN);
    await vi.advanceTimersByTimeAsync(INTERVAL);
    expect(opened(session.state).stale).toBe('The server does not answer.');
    await vi.advanceTimersByTimeAsync(INTERVAL);
    expect(opened(session.state).stale).toBeNull();
  });

  test('is gone once locked, even if an answer comes late', async () => {
    let come: (response: Response) => void = () => {};
    asked.mockImplementation(() => new Promise((resolve) => (come = resolve)));
    const session = new OperatorSession(asked);
    const opening = session.open(TOKEN);
    session.lock();
    come(answer(overview(5)));
    await opening;
    expect(session.state.view).toBe('locked');
  });
});

test('what an order did is said', async () => {
  asked.mockImplementation(async (address) =>
    address.endsWith('/cleanup') ? answer({ people: 3 }) : answer(overview(5)),
  );
  const session = new OperatorSession(asked);
  await session.open(TOKEN);
  await session.cleanUp();
  expect(opened(session.state).notice).toBe('Cleaned up after 3 people.');
});
