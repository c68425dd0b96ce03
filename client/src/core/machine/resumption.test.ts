import { describe, expect, test } from 'vitest';
import {
  ANSWERED,
  advance,
  became,
  CONNECTED,
  CONNECTED_CALL,
  CUT,
  effectsOf,
  ended,
  error,
  OFFERED,
  PARTED,
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
import type { SessionEvent } from './events';
import type { Session } from './state';

const FAILED = error('resume_failed', { refused: 'resume' });
const FIND = says({ event: 'find_partner', data: { mode: 'video', keep_searching: true } });
const LEAVE = says({ event: 'leave_room' });
const SERVERS = [{ urls: ['stun:relay.test'], username: 'again' }];
const RENEW = { type: 'renew_ice_servers', iceServers: SERVERS } as const;

function writes(id: string): SessionEvent {
  return received({ event: 'chat_message', data: { id, text: id } });
}

/** Loses the socket, has a new one, and asks to go on over it. */
function resuming(session: Session, ...meanwhile: SessionEvent[]): Session {
  return advance(session, CUT, ...meanwhile, ended('reconnect'), received(CONNECTED));
}

describe('a new socket', () => {
  test('asks for the lost session before anything else', () => {
    const [session, effects] = step(
      advance(RECONNECTING, { type: 'toggle', kind: 'camera' }, ended('reconnect')),
      received(CONNECTED),
    );
    expect(session.socket.name).toBe('resuming');
    expect(effects).toEqual([
      says({ event: 'resume', data: { token: 'token', last_message: null } }),
    ]);
  });

  test('names the last message that arrived', () => {
    const written = advance(CONNECTED_CALL, writes('p1'), writes('p2'), {
      type: 'say',
      id: 'a',
      text: 'hi',
    });
    expect(effectsOf(advance(written, CUT), received(CONNECTED))).toEqual([
      says({ event: 'resume', data: { token: 'token', last_message: 'p2' } }),
    ]);
  });

  test('that breaks before it resumed leaves the session to the next', () => {
    expect(advance(RESUMING, CUT).socket).toMatchObject({ name: 'reconnecting', token: 'token' });
  });

  test('begins anew at once when there is no session any more', () => {
    const late = advance(RECONNECTING, ended('resume_window'), ended('reconnect'));
    const [session, effects] = step(late, received(CONNECTED));
    expect(session.socket.name).toBe('open');
    expect(effects.map(({ type }) => type)).toEqual(['open_peer', 'send']);
  });
});

describe('a session that goes on', () => {
  test('keeps conversation, chat and media, with a new token and new ICE servers', () => {
    const written = advance(CONNECTED_CALL, writes('p1'));
    const [session, effects] = step(resuming(written), received(resumed()));
    expect(session.socket).toMatchObject({ name: 'open', token: 'token 2', iceServers: SERVERS });
    expect(session.phase).toEqual(written.phase);
    expect(session.chat).toEqual(written.chat);
    expect(session.connection).toBe('connected');
    expect(effects).toEqual([RENEW]);
  });

  test('shows the next socket its new token', () => {
    const session = advance(RESUMING, received(resumed()), CUT);
    expect(effectsOf(session, received(CONNECTED))).toEqual([
      says({ event: 'resume', data: { token: 'token 2', last_message: null } }),
    ]);
  });

  test('knows what the partner switched off meanwhile, and takes them to be there', () => {
    const away = advance(CONNECTED_CALL, received({ event: 'partner_reconnecting' }));
    const session = advance(resuming(away), received(resumed({ camera: false })));
    expect(session.phase).toMatchObject({
      others: [{ microphone: true, camera: false, typing: false, away: false }],
    });
  });

  test('sends again what was not confirmed, under the same ids and in order', () => {
    const said = advance(
      CONNECTED_CALL,
      { type: 'say', id: 'a', text: 'one' },
      { type: 'say', id: 'b', text: 'two' },
      received({ event: 'message_delivered', data: { id: 'a' } }),
    );
    const late = resuming(said, { type: 'say', id: 'c', text: 'three' });
    const sent = effectsOf(late, received(resumed())).flatMap((effect) =>
      effect.type === 'send' && effect.message.event === 'chat_message'
        ? [effect.message.data]
        : [],
    );
    expect(sent).toEqual([
      { id: 'b', text: 'two', room_id: 'first' },
      { id: 'c', text: 'three', room_id: 'first' },
    ]);
    expect(effectsOf(late, received(resumed()))).toContainEqual({
      type: 'set_timer',
      timer: 'message b',
      seconds: 10,
    });
  });

  test('is told what is shared only if that changed', () => {
    const muted = advance(CONNECTED_CALL, { type: 'toggle', kind: 'microphone' });
    expect(effectsOf(resuming(muted), received(resumed()))).toEqual([RENEW]);
    const dark = resuming(muted, { type: 'toggle', kind: 'camera' });
    expect(effectsOf(dark, received(resumed()))).toEqual([
      says({ event: 'media_state', data: { microphone: false, camera: false } }),
      RENEW,
    ]);
  });

  test('waits on where it waited', () => {
    const [session, effects] = step(
      resuming(advance(WAITING, became('connected'))),
      received(resumed({ room_id: null, searching: true })),
    );
    expect(session.phase).toEqual(WAITING.phase);
    expect(effects).toEqual([RENEW]);
  });

  test.each([
    [true, { name: 'waiting', after: 'while_away' }],
    [false, { name: 'parted', reason: 'while_away' }],
  ])('learns that the partner left meanwhile (searching: %s)', (searching, phase) => {
    const [session, effects] = step(RESUMING, received(resumed({ room_id: null, searching })));
    expect(session.phase).toEqual(phase);
    expect(effects[0]).toMatchObject({ type: 'send_media', sending: { camera: false } });
  });

  test('learns of another partner', () => {
    const session = advance(
      advance(RESUMING, writes('p1')),
      received(resumed({ room_id: 'second' })),
    );
    expect(session.phase).toMatchObject({ name: 'talking', roomId: 'second' });
    expect(session.chat).toEqual([]);
  });

  test('tells that the person stopped meanwhile', () => {
    const stopped = resuming(CONNECTED_CALL, { type: 'stop' });
    const [session, effects] = step(stopped, received(resumed()));
    expect(session.phase.name).toBe('idle');
    expect(effects).toEqual([RENEW, LEAVE]);
    expect(effectsOf(stopped, received(resumed({ room_id: null })))).toEqual([RENEW]);
  });

  test('asks for a partner when the person began to search meanwhile', () => {
    const started = resuming(advance(READY, became('connected')), { type: 'start' });
    expect(effectsOf(started, received(resumed({ room_id: null })))).toEqual([RENEW, FIND]);
  });

  test('does not lead back to a partner who was left meanwhile', () => {
    const again = resuming(CONNECTED_CALL, { type: 'stop' }, { type: 'start' });
    const [session, effects] = step(again, received(resumed()));
    expect(session.phase.name).toBe('waiting');
    expect(effects).toEqual([RENEW, says({ event: 'next_partner' })]);
  });

  test('is nothing new to anyone who parted before', () => {
    const session = resuming(advance(PARTED, became('connected')));
    expect(advance(session, received(resumed({ room_id: null }))).phase).toEqual(PARTED.phase);
  });

  test.each<[string, SessionEvent[]]>([
    ['is broken', [became('disconnected')]],
    ['had failed', [became('failed'), OFFERED, ANSWERED]],
    ['waited for an answer', [became('failed'), OFFERED]],
  ])('restarts ICE where the media connection %s', (_, events) => {
    const session = resuming(advance(CONNECTED_CALL, ...events));
    expect(effectsOf(session, received(resumed()))).toEqual([
      RENEW,
      { type: 'restart_ice' },
      { type: 'set_timer', timer: 'repair', seconds: 2 },
    ]);
  });

  test('restarts ICE after the network changed', () => {
    const changed = advance(CONNECTED_CALL, { type: 'network_changed' }, received(CONNECTED));
    expect(effectsOf(changed, received(resumed()))).toContainEqual({ type: 'restart_ice' });
  });

  test('is passed over where nobody asked for it', () => {
    expect(step(TALKING, received(resumed()))).toEqual([TALKING, []]);
  });
});

describe('a session that cannot be gone on with', () => {
  test('ends: the conversation was cut off, and media begins anew', () => {
    const said = resuming(CONNECTED_CALL, { type: 'say', id: 'a', text: 'hi' });
    const [session, effects] = step(said, FAILED);
    expect(session.socket).toMatchObject({ name: 'open', token: 'token' });
    expect(session.phase).toEqual({ name: 'waiting', after: 'socket_lost' });
    expect(session.chat).toMatchObject([{ delivery: 'failed' }]);
    expect(session.connection).toBe('new');
    expect(effects.map(({ type }) => type)).toEqual([
      'send_media',
      'close_peer',
      'open_peer',
      'send',
    ]);
  });

  test('puts anyone who was waiting back into the queue', () => {
    expect(effectsOf(resuming(WAITING), FAILED).at(-1)).toEqual(FIND);
  });

  test('also anyone who was made to pause', () => {
    const cooling = advance(WAITING, error('rate_limited', { refused: 'find_partner' }));
    expect(effectsOf(resuming(cooling), FAILED).at(-1)).toEqual(FIND);
  });

  test('searches on by itself after a server that ended', () => {
    const restarted = advance(CONNECTED_CALL, RESTARTED, ended('reconnect'), received(CONNECTED));
    const [session, effects] = step(restarted, FAILED);
    expect(session.phase).toEqual({ name: 'waiting', after: 'server_stopping' });
    expect(effects.at(-1)).toEqual(FIND);
  });

  test('is told anew what is switched off', () => {
    const muted = advance(READY, { type: 'toggle', kind: 'microphone' });
    expect(effectsOf(resuming(muted), FAILED)[0]).toEqual(
      says({ event: 'media_state', data: { microphone: false, camera: true } }),
    );
  });

  test('needs no media connection for text', () => {
    expect(effectsOf(resuming(TEXT_READY), FAILED)).toEqual([
      says({ event: 'media_state', data: { microphone: false, camera: false } }),
    ]);
  });

  test('is no news on a socket that is open', () => {
    expect(step(READY, FAILED)).toEqual([READY, []]);
  });
});
