import { describe, expect, test } from 'vitest';
import {
  ANSWERED,
  advance,
  became,
  CONNECTED,
  CONNECTED_CALL,
  CUT,
  captured,
  effectsOf,
  ended,
  error,
  GRANTED,
  OFFER,
  OFFERED,
  READY,
  RECONNECTING,
  received,
  resumed,
  says,
  step,
  TALKING,
  TEXT_READY,
} from '../../testing/sessions';
import type { Effect } from './effects';
import type { SessionEvent } from './events';
import { isRepairing } from './negotiation';
import { obstacleOf } from './obstacle';
import { PROBE_AGAIN_SECONDS, PROBE_LATER_SECONDS } from './session';
import type { Session } from './state';

const OPEN_PEER: Effect = { type: 'open_peer', iceServers: [{ urls: ['stun:relay.test'] }] };
const FAILED = error('connection_failed');
const RESTART: Effect = { type: 'restart_ice' };

function repair(seconds: number): Effect {
  return { type: 'set_timer', timer: 'repair', seconds };
}

/** The connection fails, and so does what is done about it, so many times. */
function failing(times: number): Session {
  let session = advance(CONNECTED_CALL, became('failed'));
  for (let time = 1; time < times; time += 1) {
    session = advance(session, OFFERED, ANSWERED, ended('repair'));
  }
  return session;
}

describe('a probe', () => {
  const LATER: Effect = { type: 'set_timer', timer: 'probe_later', seconds: PROBE_LATER_SECONDS };

  test('is made of a connection again and again while a conversation lasts', () => {
    expect(effectsOf(CONNECTED_CALL, ended('probe'))).toEqual([
      { type: 'probe', whole: true },
      { type: 'set_timer', timer: 'probe_again', seconds: PROBE_AGAIN_SECONDS },
    ]);
    expect(effectsOf(CONNECTED_CALL, ended('probe_again'))).toEqual([
      { type: 'probe', whole: true },
      LATER,
    ]);
    expect(effectsOf(CONNECTED_CALL, ended('probe_later'))).toEqual([
      { type: 'probe', whole: false },
      LATER,
    ]);
  });

  test('is made at once of a connection that comes after the partner', () => {
    expect(effectsOf(TALKING, became('connected'))).toContainEqual({ type: 'probe', whole: true });
    expect(effectsOf(READY, became('connected'))).toEqual([]);
  });

  test('waits for the end of a repair', () => {
    const failed = advance(CONNECTED_CALL, became('failed'));
    for (const session of [TALKING, failed, advance(failed, OFFERED, became('connected'))]) {
      expect(effectsOf(session, ended('probe_later'))).toEqual([LATER]);
    }
  });

  test('is not made outside of a conversation', () => {
    expect(effectsOf(READY, ended('probe'))).toEqual([]);
  });
});

describe('an offer', () => {
  const offering = advance(GRANTED, received(CONNECTED));

  test('goes to the server, and its answer to the connection', () => {
    const [session, effects] = step(offering, OFFERED);
    expect(effects).toEqual([
      says({ event: 'webrtc_offer', data: OFFER }),
      { type: 'set_timer', timer: 'answer', seconds: 1 },
    ]);
    expect(effectsOf(session, ANSWERED)).toEqual([{ type: 'accept_answer', sdp: 'the answer' }]);
  });

  test('is made anew when it is ready while there is no socket', () => {
    const late = advance(failing(1), CUT, OFFERED);
    expect(late.negotiation).toMatchObject({ offer: 'none', due: true });
    const back = advance(late, received(CONNECTED));
    expect(effectsOf(back, received(resumed()))).toContainEqual(RESTART);
  });

  test('of a connection that was closed meanwhile is answered to nobody', () => {
    const text = advance(offering, OFFERED, { type: 'choose_mode', mode: 'text' });
    const [again, effects] = step(text, ANSWERED);
    expect(effects).toEqual([]);
    expect(effectsOf(again, ANSWERED)).toEqual([]);
  });

  test('has the second of two answers where another connection was closed in between', () => {
    const both = advance(
      offering,
      OFFERED,
      { type: 'choose_mode', mode: 'text' },
      { type: 'choose_mode', mode: 'audio' },
      captured({ microphone: 'm', camera: null }),
      OFFERED,
    );
    const [first, nothing] = step(both, ANSWERED);
    expect(nothing).toEqual([]);
    expect(effectsOf(first, ANSWERED)).toEqual([{ type: 'accept_answer', sdp: 'the answer' }]);
  });

  test('that is refused may have been a closed connection’s', () => {
    const both = advance(
      offering,
      OFFERED,
      { type: 'choose_mode', mode: 'text' },
      { type: 'choose_mode', mode: 'video' },
      captured({ microphone: 'm', camera: 'c' }),
      OFFERED,
    );
    const session = advance(both, error('invalid_offer'));
    expect(obstacleOf(session)).toBeNull();
    expect(effectsOf(session, ANSWERED)).toEqual([{ type: 'accept_answer', sdp: 'the answer' }]);
  });

  test('that is the first one waits for a busy server', () => {
    const sent = advance(offering, OFFERED);
    expect(step(sent, ended('answer'))).toEqual([sent, []]);
  });

  test('of a restart that nobody answers means a dead socket', () => {
    const [session, effects] = step(advance(failing(1), OFFERED), ended('answer'));
    expect(session.socket).toMatchObject({ name: 'reconnecting', pausing: false });
    expect(effects).toContainEqual({ type: 'connect' });
    const answered = advance(failing(1), OFFERED, ANSWERED);
    expect(step(answered, ended('answer'))).toEqual([answered, []]);
  });
});

describe('a connection from which nothing comes', () => {
  const SILENT: SessionEvent = { type: 'media_silent' };

  test('is restarted before the browser says anything, as often as that happens', () => {
    let session = CONNECTED_CALL;
    for (let time = 0; time < 5; time += 1) {
      expect(effectsOf(session, SILENT)).toEqual([RESTART, repair(2)]);
      session = advance(session, SILENT, OFFERED, ANSWERED);
    }
  });

  test('is left alone while a restart is under way', () => {
    const restarting = advance(CONNECTED_CALL, SILENT, OFFERED);
    expect(step(restarting, SILENT)).toEqual([restarting, []]);
    const failed = advance(CONNECTED_CALL, became('disconnected'));
    expect(step(failed, SILENT)).toEqual([failed, []]);
  });

  test('is restarted over the next socket where the socket is gone too', () => {
    const cut = advance(CONNECTED_CALL, CUT, SILENT);
    expect(cut.negotiation.due).toBe(true);
  });
});

describe('a broken connection', () => {
  test('is given a second to find back by itself', () => {
    const [session, effects] = step(CONNECTED_CALL, became('disconnected'));
    expect(effects).toEqual([{ type: 'set_timer', timer: 'disconnected', seconds: 1 }]);
    expect(effectsOf(session, ended('disconnected'))).toEqual([RESTART, repair(2)]);
    const back = advance(session, became('connected'));
    expect(step(back, ended('disconnected'))).toEqual([back, []]);
  });

  test('that failed is restarted at once', () => {
    expect(effectsOf(CONNECTED_CALL, became('failed'))).toEqual([RESTART, repair(2)]);
  });

  test('is restarted less and less often, then replaced, then given up', () => {
    const tried = [1, 2, 3, 4].map((times) =>
      effectsOf(advance(failing(times), OFFERED, ANSWERED), ended('repair')),
    );
    expect(tried[0]).toEqual([RESTART, repair(3)]);
    expect(tried[1]).toEqual([RESTART, repair(5)]);
    expect(tried[2]).toEqual([{ type: 'close_peer' }, OPEN_PEER, repair(10)]);
    expect(tried[3]).toEqual([{ type: 'close_peer' }]);
    expect(obstacleOf(failing(5))).toEqual({ name: 'connection_failed' });
  });

  test('is said to be under repair until it works', () => {
    expect(isRepairing(CONNECTED_CALL)).toBe(false);
    for (const times of [1, 2, 3, 4]) expect(isRepairing(failing(times))).toBe(true);
    expect(isRepairing(advance(failing(4), became('connected')))).toBe(false);
    expect(isRepairing(failing(5))).toBe(false);
  });

  test('that works again has all tries before it', () => {
    const worked = advance(failing(4), OFFERED, ANSWERED, became('connected'));
    expect(effectsOf(worked, became('failed'))).toEqual([RESTART, repair(2)]);
    expect(step(worked, ended('repair'))).toEqual([worked, []]);
  });

  test('that restarts saved, three times over, has all restarts before it again', () => {
    const saved = advance(failing(3), OFFERED, ANSWERED, became('connected'));
    expect(saved.negotiation.restarts).toBe(0);
    expect(effectsOf(saved, became('failed'))).toEqual([RESTART, repair(2)]);
  });

  test('waits for a socket', () => {
    const [session, effects] = step(RECONNECTING, became('failed'));
    expect(session.negotiation.due).toBe(true);
    expect(effects).toEqual([]);
    expect(step(session, ended('repair'))).toEqual([session, []]);
  });

  test('waits for the answer to the offer before', () => {
    const waiting = advance(failing(1), OFFERED, ended('repair'));
    expect(waiting.negotiation).toMatchObject({ offer: 'sent', due: true });
    expect(effectsOf(waiting, ANSWERED)).toEqual([
      { type: 'accept_answer', sdp: 'the answer' },
      RESTART,
      repair(3),
    ]);
  });

  test('whose offers cannot even be made is given up after as many tries', () => {
    const broken: SessionEvent = became('failed');
    expect(obstacleOf(advance(CONNECTED_CALL, broken, broken, broken))).toBeNull();
    const session = advance(CONNECTED_CALL, broken, broken, broken, broken, broken);
    expect(obstacleOf(session)).toEqual({ name: 'connection_failed' });
  });

  test('whose restart is refused is replaced when its time is over', () => {
    const refused = advance(failing(1), OFFERED, error('invalid_offer'));
    expect(effectsOf(refused, ended('repair'))).toContainEqual(OPEN_PEER);
  });
});

describe('a connection that failed in the server’s view', () => {
  test('is replaced once', () => {
    const [session, effects] = step(CONNECTED_CALL, FAILED);
    expect(session.connection).toBe('new');
    expect(effects).toEqual([{ type: 'close_peer' }, OPEN_PEER, repair(10)]);
  });

  test('and fails again is given up, until the person asks for another', () => {
    const again = advance(TALKING, FAILED, OFFERED, ANSWERED);
    const [session, effects] = step(again, FAILED);
    expect(obstacleOf(session)).toEqual({ name: 'connection_failed' });
    expect(effects).toEqual([{ type: 'close_peer' }]);
    expect(effectsOf(session, { type: 'retry' })).toEqual([OPEN_PEER]);
  });

  test('is the one before, when the server has not answered this one yet', () => {
    const offered = advance(TALKING, FAILED, OFFERED);
    expect(step(offered, FAILED)).toEqual([offered, []]);
  });

  test('is replaced even while a restart waits for its answer', () => {
    const session = advance(failing(1), OFFERED);
    expect(effectsOf(session, FAILED)).toContainEqual(OPEN_PEER);
  });

  test('is no one’s business in text mode', () => {
    expect(obstacleOf(advance(TEXT_READY, FAILED))).toBeNull();
    expect(effectsOf(TEXT_READY, FAILED)).toEqual([]);
  });
});

describe('a first connection', () => {
  test.each([
    ['invalid', error('invalid_offer')],
    ['too frequent', error('rate_limited', { refused: 'webrtc_offer' })],
  ])('whose offer is %s is given up', (_, refusal) => {
    const [session, effects] = step(READY, refusal);
    expect(session.connection).toBe('given_up');
    expect(effects).toEqual([{ type: 'close_peer' }]);
  });

  test('whose offer crossed with the server’s word goes on', () => {
    expect(step(READY, error('out_of_turn', { refused: 'webrtc_offer' }))).toEqual([READY, []]);
  });
});

test('a connection that was given up has another chance with another socket', () => {
  const back = advance(failing(5), { type: 'network_changed' }, received(CONNECTED));
  expect(effectsOf(back, received(resumed())).map(({ type }) => type)).toEqual([
    'renew_ice_servers',
    'open_peer',
  ]);
});
