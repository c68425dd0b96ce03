import { describe, expect, test } from 'vitest';
import {
  advance,
  asks,
  became,
  CONNECTED,
  CONNECTED_CALL,
  CUT,
  effectsOf,
  ended,
  error,
  GRANTED,
  LOST,
  PAGE_OPENED,
  PARTED,
  parted,
  QUESTION,
  READY,
  RECONNECTING,
  RESTARTED,
  RESUMING,
  received,
  resumed,
  says,
  step,
  TALKING,
  TEXT_READY,
  WAITING,
} from '../../testing/sessions';
import type { Effect } from './effects';
import type { SessionEvent } from './events';
import { maySearch, obstacleOf } from './obstacle';
import { PONG_SECONDS, SILENCE_SECONDS } from './socket';
import { type Ending, FIRST_STATE, type Session } from './state';

const FULL = error('server_full', { retry_after: 30 });
const DRAINING = error('server_draining', { retry_after: 30 });
const REFUSED: SessionEvent = { type: 'socket_lost', loss: 'server_full' };
const NETWORK: SessionEvent = { type: 'network_changed' };
const RETRY: SessionEvent = { type: 'retry' };
const RECONNECT: readonly Effect[] = [
  { type: 'connect' },
  { type: 'set_timer', timer: 'connecting', seconds: 5 },
  { type: 'set_timer', timer: 'settling', seconds: 15 },
];

/** The longest pause before each of so many tries that come to nothing. */
function pauses(session: Session, first: SessionEvent, count: number): number[] {
  const found: number[] = [];
  let [state, effects] = step(session, first);
  for (let tries = 0; tries < count; tries += 1) {
    for (const effect of effects) if (effect.type === 'set_random_timer') found.push(effect.atMost);
    [state, effects] = step(advance(state, ended('reconnect')), CUT);
  }
  return found;
}

test('a page on which nobody has to agree to anything connects, and asks the person for nothing', () => {
  const opened = advance(FIRST_STATE, PAGE_OPENED);
  expect(effectsOf(opened, asks({ ...QUESTION, isNeeded: false }))).toEqual([
    { type: 'connect' },
    { type: 'set_timer', timer: 'connecting', seconds: 10 },
  ]);
});

describe('a socket that breaks', () => {
  test('ends nothing: it is replaced after a pause, and media goes on', () => {
    const said = advance(CONNECTED_CALL, { type: 'say', id: '1', text: 'hi' });
    const [session, effects] = step(said, CUT);
    expect(session.socket).toMatchObject({
      name: 'reconnecting',
      outage: 'closed',
      token: 'token',
    });
    expect(session.phase).toEqual(said.phase);
    expect(session.chat).toMatchObject([{ text: 'hi', delivery: 'sending' }]);
    expect(session.connection).toBe('connected');
    expect(effects).toEqual([
      { type: 'set_timer', timer: 'resume_window', seconds: 30 },
      { type: 'set_random_timer', timer: 'reconnect', atMost: 0.3 },
    ]);
  });

  test('is replaced when the pause is over', () => {
    expect(effectsOf(RECONNECTING, ended('reconnect'))).toEqual(RECONNECT);
  });

  test('is tried less and less often', () => {
    expect(pauses(CONNECTED_CALL, CUT, 8)).toEqual([0.3, 0.6, 1.2, 2.4, 4.8, 9.6, 10, 10]);
  });

  test('as soon as it is open does not make the page try more often', () => {
    const again = advance(RESUMING, received(resumed()));
    const [once, first] = step(again, CUT);
    expect(first).toContainEqual({ type: 'set_random_timer', timer: 'reconnect', atMost: 0.6 });
    const twice = advance(once, ended('reconnect'), received(CONNECTED), received(resumed()));
    expect(effectsOf(twice, CUT)).toContainEqual({
      type: 'set_random_timer',
      timer: 'reconnect',
      atMost: 1.2,
    });
    expect(effectsOf(advance(twice, ended('settling')), CUT)).toContainEqual({
      type: 'set_random_timer',
      timer: 'reconnect',
      atMost: 0.3,
    });
    expect(step(once, ended('settling'))).toEqual([once, []]);
  });

  test('that never was open means a server that cannot be reached, and is tried again too', () => {
    const [session, effects] = step(GRANTED, CUT);
    expect(session.socket).toMatchObject({
      name: 'reconnecting',
      outage: 'unreachable',
      token: null,
    });
    expect(effects).toEqual([
      { type: 'set_random_timer', timer: 'reconnect', atMost: 0.3 },
      { type: 'knock' },
    ]);
  });

  test('that never was open is asked about over HTTP, and the answer stands until the next', () => {
    const told = advance(GRANTED, CUT, { type: 'door_answered', door: 'origin_refused' });
    expect(obstacleOf(told)).toMatchObject({ name: 'reconnecting', door: 'origin_refused' });
    const again = advance(told, ended('reconnect'), CUT);
    expect(again.socket).toMatchObject({ door: 'origin_refused', failures: 1 });
    expect(effectsOf(advance(told, ended('reconnect')), CUT)).toContainEqual({ type: 'knock' });
    const open = advance(again, received(CONNECTED), { type: 'door_answered', door: 'silent' });
    expect(open.socket.name).toBe('open');
  });

  test('in the middle of things asks nothing over HTTP', () => {
    expect(effectsOf(CONNECTED_CALL, CUT)).not.toContainEqual({ type: 'knock' });
  });

  test('is given up for another one when nobody answers in time', () => {
    expect(advance(GRANTED, ended('connecting')).socket).toMatchObject({ outage: 'unreachable' });
    const connecting = advance(RECONNECTING, ended('reconnect'));
    expect(advance(connecting, ended('connecting')).socket).toMatchObject({
      failures: 1,
      pausing: true,
    });
    expect(advance(RESUMING, ended('connecting')).socket).toMatchObject({
      name: 'reconnecting',
      token: 'token',
    });
  });

  test('passes over the time of a try that is over', () => {
    for (const session of [READY, RECONNECTING, LOST]) {
      expect(step(session, ended('connecting'))).toEqual([session, []]);
    }
    expect(step(RECONNECTING, CUT)).toEqual([RECONNECTING, []]);
    const connecting = advance(RECONNECTING, ended('reconnect'));
    expect(step(connecting, ended('reconnect'))).toEqual([connecting, []]);
  });

  test.each([
    ['the person', RETRY],
    ['a network that is there again', NETWORK],
  ])('is replaced at once for %s', (_, event) => {
    const [session, effects] = step(RECONNECTING, event);
    expect(effects).toEqual(RECONNECT);
    expect(step(session, ended('reconnect'))).toEqual([session, []]);
  });

  test('lets the person begin to search, and no one leave a partner unheard', () => {
    expect(maySearch(advance(READY, CUT))).toBe(true);
    expect(maySearch(RECONNECTING)).toBe(false);
  });

  test('says nothing meanwhile', () => {
    const [session, effects] = step(RECONNECTING, { type: 'say', id: 'a', text: 'hi' });
    expect(session.chat).toMatchObject([{ delivery: 'sending' }]);
    expect(effects).toEqual([{ type: 'set_timer', timer: 'message a', seconds: 10 }]);
    expect(advance(session, ended('message a')).chat).toMatchObject([{ delivery: 'sending' }]);
    for (const socket of [RECONNECTING, RESUMING]) {
      expect(effectsOf(socket, { type: 'stop' }).map(({ type }) => type)).toEqual(['send_media']);
    }
  });
});

describe('when the time is over for which the relay keeps a session', () => {
  test('the conversation was cut off, its media is closed, and what was underway failed', () => {
    const said = advance(RECONNECTING, { type: 'say', id: '1', text: 'hi' });
    const [session, effects] = step(said, ended('resume_window'));
    expect(session.phase).toEqual({ name: 'waiting', after: 'socket_lost' });
    expect(session.chat).toMatchObject([{ text: 'hi', delivery: 'failed', why: 'cut_off' }]);
    expect(session.connection).toBe('none');
    expect(effects).toEqual([
      { type: 'send_media', sending: { microphone: false, camera: false } },
      { type: 'close_peer' },
    ]);
    expect(session.socket).toMatchObject({ name: 'reconnecting', token: null });
  });

  test('anyone who had no conversation stays where they were', () => {
    expect(advance(READY, CUT, ended('resume_window')).phase).toEqual(READY.phase);
    expect(advance(PARTED, CUT, ended('resume_window')).phase).toEqual(PARTED.phase);
    expect(advance(WAITING, CUT, ended('resume_window')).phase).toEqual(WAITING.phase);
  });

  test('nothing happens to a socket that is open again', () => {
    expect(step(CONNECTED_CALL, ended('resume_window'))).toEqual([CONNECTED_CALL, []]);
  });
});

describe('a socket that was ended on purpose', () => {
  test.each<Ending>(['ended', 'flooded', 'too_slow', 'superseded', 'server_full'])(
    '(%s) stays lost, with everything that hung on it',
    (loss) => {
      const [session, effects] = step(CONNECTED_CALL, { type: 'socket_lost', loss });
      expect(session.socket).toEqual({ name: 'lost', loss, retryAfter: null });
      expect(session.phase).toEqual({ name: 'parted', reason: 'socket_lost' });
      expect(effects.map(({ type }) => type)).toEqual(['send_media', 'close_peer']);
      expect(step(session, NETWORK)).toEqual([session, []]);
    },
  );

  test('is replaced when the person asks for it', () => {
    const [session, effects] = step(LOST, RETRY);
    expect(session.socket).toEqual({ name: 'connecting' });
    expect(effects).toEqual([
      { type: 'connect' },
      { type: 'set_timer', timer: 'connecting', seconds: 10 },
    ]);
    expect(effectsOf(session, received(CONNECTED)).map(({ type }) => type)).toEqual(['open_peer']);
  });

  test.each(['server_full', 'server_draining', 'too_many_connections'] as const)(
    'after %s keeps what the server said about it',
    (code) => {
      const told = advance(GRANTED, error(code, { retry_after: 30 }));
      expect(told.socket).toEqual({ name: 'lost', loss: code, retryAfter: 30 });
      expect(step(told, REFUSED)).toEqual([told, []]);
      expect(advance(told, RETRY, received(CONNECTED)).socket.name).toBe('open');
    },
  );
});

describe('a full server', () => {
  const connecting = advance(RECONNECTING, ended('reconnect'));

  test('is asked again by anyone who was inside', () => {
    expect(advance(connecting, FULL, REFUSED).socket).toMatchObject({
      failures: 1,
      token: 'token',
    });
    const restarted = advance(connecting, ended('resume_window'), FULL);
    expect(restarted.socket).toMatchObject({ name: 'lost', loss: 'server_full', retryAfter: 30 });
  });

  test('that ends is asked until another takes its place', () => {
    const waiting = advance(WAITING, RESTARTED, ended('resume_window'), ended('reconnect'));
    expect(advance(waiting, DRAINING, REFUSED).socket).toMatchObject({ name: 'reconnecting' });
  });

  test('turns away anyone who never was inside', () => {
    const unreachable = advance(GRANTED, CUT, ended('reconnect'));
    expect(advance(unreachable, FULL).socket).toMatchObject({ name: 'lost', loss: 'server_full' });
    expect(advance(unreachable, REFUSED).socket).toMatchObject({ name: 'lost' });
  });
});

describe('a server that ends', () => {
  test('is expected back soon, and not for ever', () => {
    const tries = pauses(CONNECTED_CALL, RESTARTED, 40);
    expect(tries.slice(0, 6)).toEqual([0.3, 0.6, 1.2, 2.4, 3, 3]);
    expect(tries.at(-1)).toBe(10);
  });

  test('leaves anyone who searches on searching, if it does not come back in time', () => {
    const session = advance(TALKING, RESTARTED, ended('resume_window'));
    expect(session.phase).toEqual({ name: 'waiting', after: 'server_stopping' });
  });

  test('leaves anyone who does not search on to say when they are ready', () => {
    const unwilling = advance(TALKING, { type: 'choose_keep_searching', on: false });
    const session = advance(unwilling, RESTARTED, ended('resume_window'));
    expect(session.phase).toEqual({ name: 'parted', reason: 'server_stopping' });
  });

  test('said so before, however its socket breaks then', () => {
    const draining = advance(
      CONNECTED_CALL,
      received({ event: 'server_draining', data: { seconds: 60 } }),
    );
    expect(draining.socket).toMatchObject({ name: 'open', draining: 60 });
    expect(advance(draining, CUT).socket).toMatchObject({ outage: 'server_stopping' });
    // It would take nobody back, so what there is of the socket is held on to.
    expect(step(draining, NETWORK)[0].socket).toEqual(draining.socket);
  });

  test('may have parted the two before', () => {
    const session = advance(TALKING, received(parted('server_stopping', true)), RESTARTED);
    expect(session.phase).toEqual({ name: 'waiting', after: 'server_stopping' });
  });
});

describe('another network', () => {
  test('makes an open socket suspect: another is opened while the session is kept', () => {
    const [session, effects] = step(CONNECTED_CALL, NETWORK);
    expect(session.socket).toMatchObject({ name: 'reconnecting', pausing: false, token: 'token' });
    expect(session.negotiation.due).toBe(true);
    expect(effects).toEqual([
      { type: 'set_timer', timer: 'resume_window', seconds: 30 },
      ...RECONNECT,
    ]);
  });

  test('makes a socket that is about to resume give way to another', () => {
    const [session, effects] = step(RESUMING, NETWORK);
    expect(session.socket).toMatchObject({ name: 'reconnecting', token: 'token' });
    expect(effects).toEqual(RECONNECT);
  });

  test('needs no ICE restart where there is no media', () => {
    expect(advance(TEXT_READY, NETWORK).negotiation.due).toBe(false);
  });
});

test('an answer that was on its way is lost with the socket', () => {
  const restarting = advance(
    CONNECTED_CALL,
    became('failed'),
    { type: 'offered', sdp: 'restart', sections: {} },
    CUT,
  );
  expect(restarting.negotiation).toMatchObject({ offer: 'none', due: true });
});

describe('a socket over which nothing comes', () => {
  const PING = says({ event: 'ping' });
  const listening = (seconds: number) => ({ type: 'set_timer', timer: 'silence', seconds });

  test.each([
    ['waits', WAITING],
    ['talks', TALKING],
  ])('is asked while one %s, and is given up for another when it does not answer', (_, session) => {
    const [asked, question] = step(session, ended('silence'));
    expect(question).toEqual([PING, listening(PONG_SECONDS)]);
    const [silent, effects] = step(asked, ended('silence'));
    expect(silent.socket).toMatchObject({ name: 'reconnecting', pausing: false, token: 'token' });
    expect(silent.phase).toEqual(session.phase);
    expect(effects).toContainEqual({ type: 'connect' });
    expect(SILENCE_SECONDS + PONG_SECONDS).toBeLessThan(10);
  });

  test('is there as soon as it says anything', () => {
    const answered = advance(TALKING, ended('silence'), received({ event: 'pong' }));
    expect(effectsOf(answered, ended('silence'))).toEqual([PING, listening(PONG_SECONDS)]);
    expect(step(answered, received({ event: 'pong' }))).toEqual([answered, []]);
  });

  test('may be silent where nobody counts on this page', () => {
    for (const session of [READY, PARTED]) {
      expect(step(session, ended('silence'))).toEqual([session, [listening(SILENCE_SECONDS)]]);
    }
    expect(step(RECONNECTING, ended('silence'))).toEqual([RECONNECTING, []]);
  });

  test('is given up even where the server drains: that it is silent is certain', () => {
    const draining = advance(
      TALKING,
      received({ event: 'server_draining', data: { seconds: 60 } }),
      ended('silence'),
      ended('silence'),
    );
    expect(draining.socket.name).toBe('reconnecting');
  });

  test('is asked when the page runs again after it stood still', () => {
    expect(effectsOf(TALKING, { type: 'page_woke' })).toEqual([PING, listening(PONG_SECONDS)]);
    expect(step(RECONNECTING, { type: 'page_woke' })).toEqual([RECONNECTING, []]);
  });
});
