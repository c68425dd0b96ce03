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
  if (state.view !== 'open') throw new Error(`not open: ${JSON.stringify(state)}`);
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
      expect(init.headers).toMatchObject({ Authorization: `Bearer ${TOKEN}` });
      expect(init.body ?? '').not.toContain(TOKEN);
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

describe('one of the staff', () => {
  const me = { name: 'Ada', roles: ['operator'], scopes: ['moderate', 'operate'], ends: 9 };
  const passkeys = {
    has: () => true,
    make: async () => ({ id: 'made' }),
    use: async () => ({ id: 'used' }),
  };
  const paths = () => asked.mock.calls.map(([address]) => address.replace(/\?.*/, ''));

  /** What the server answers, by path; what is asked for again and again has its last answer. */
  function served(answers: Record<string, () => Response>): void {
    asked.mockImplementation(async (address) => {
      const found = answers[address.replace('videochat/', '').replace(/\?.*/, '')];
      if (found === undefined) throw new Error(address);
      return found();
    });
  }

  test('whom the server knows is in at once, and no token is sent', async () => {
    served({ 'staff/me': () => answer(me), overview: () => answer(overview(5)) });
    const session = new OperatorSession(asked, passkeys);
    await session.begin(null);
    expect(opened(session.state).me).toEqual(me);
    for (const [, init] of asked.mock.calls) {
      expect(init.headers).not.toHaveProperty('Authorization');
      expect(init.credentials).toBe('same-origin');
    }
    session.lock();
  });

  test('who is not signed in finds the lock, and nothing is said', async () => {
    served({ 'staff/me': () => answer(null) });
    const session = new OperatorSession(asked, passkeys);
    await session.begin(null);
    expect(session.state).toEqual({ view: 'locked', refusal: null, busy: false });
  });

  test('signs in with a passkey', async () => {
    served({
      'staff/sign-in/begin': () => answer({ challenge: 'AA' }),
      'staff/sign-in': () => answer(me),
      overview: () => answer(overview(5)),
    });
    const session = new OperatorSession(asked, passkeys);
    await session.signIn();
    expect(opened(session.state).me?.name).toBe('Ada');
    expect(asked.mock.calls[1]?.[1].body).toBe('{"credential":{"id":"used"}}');
    session.lock();
  });

  test('who shows no passkey is told so', async () => {
    served({ 'staff/sign-in/begin': () => answer({ challenge: 'AA' }) });
    const session = new OperatorSession(asked, { ...passkeys, use: async () => null });
    await session.signIn();
    expect(session.state).toEqual({
      view: 'locked',
      refusal: 'No passkey was used. Try again.',
      busy: false,
    });
  });

  test('comes in by a link, which is used when the passkey is made', async () => {
    const who = { name: 'Ada', roles: ['operator'], options: {} };
    served({
      'staff/enrolment/begin': () => answer(who),
      'staff/enrolment': () => answer(me),
      overview: () => answer(overview(5)),
    });
    const session = new OperatorSession(asked, passkeys);
    await session.begin('secret');
    expect(session.state).toMatchObject({ view: 'enrolling', who: { name: 'Ada' } });
    expect(paths()).toEqual(['videochat/staff/enrolment/begin']);
    await session.enrol();
    expect(opened(session.state).me?.name).toBe('Ada');
    session.lock();
  });

  test('a link that is spent says so', async () => {
    served({ 'staff/enrolment/begin': () => answer({ message: 'This link was used.' }, 410) });
    const session = new OperatorSession(asked, passkeys);
    await session.begin('secret');
    expect(session.state).toMatchObject({ who: null, refusal: 'This link was used.' });
  });

  test('who may not see the server sees what was done', async () => {
    served({ 'staff/me': () => answer({ ...me, scopes: ['audit'] }) });
    const session = new OperatorSession(asked, passkeys);
    await session.begin(null);
    expect(session.state.view).toBe('auditing');
    expect(paths()).toEqual(['videochat/staff/me']);
  });

  describe('asked whether it is still them', () => {
    let shown = false;

    async function draining(): Promise<{ session: OperatorSession; order: Promise<void> }> {
      shown = false;
      served({
        'staff/me': () => answer(me),
        overview: () => answer(overview(5)),
        drain: () =>
          shown ? answer({ draining: true }) : answer({ code: 'sign_in_again', message: '' }, 403),
        'staff/again/begin': () => answer({ challenge: 'AA' }),
        'staff/again': () => {
          shown = true;
          return answer(me);
        },
      });
      const session = new OperatorSession(asked, passkeys);
      await session.begin(null);
      const order = session.drain();
      await vi.advanceTimersByTimeAsync(1);
      expect(opened(session.state).again).toBe(true);
      return { session, order };
    }

    test('they show it, and the order is carried out', async () => {
      const { session, order } = await draining();
      await session.showAgain();
      await order;
      expect(opened(session.state)).toMatchObject({ again: false });
      expect(opened(session.state).notice).toContain('takes nobody any more');
      expect(paths().filter((path) => path === 'videochat/drain')).toHaveLength(2);
      session.lock();
    });

    test('they let it be, and nothing is changed', async () => {
      const { session, order } = await draining();
      session.leaveIt();
      await order;
      expect(opened(session.state)).toMatchObject({ again: false, notice: 'Nothing was changed.' });
      expect(paths().filter((path) => path === 'videochat/drain')).toHaveLength(1);
      session.lock();
    });
  });
});
