import { describe, expect, test } from 'vitest';
import {
  advance,
  CONNECTED,
  FOUND,
  PARTNER_LEFT,
  READY,
  received,
  TALKING,
  WAITING,
} from '../testing/sessions';
import { MAX_ENTRIES } from './chat_log';
import type { ClientMessage, ErrorCode, PartingReason, ServerMessage } from './protocol';
import { reduce } from './session';
import { type Effect, FIRST_STATE, isReady, type Session } from './state';

const LOOKING: ServerMessage = { event: 'waiting_for_partner' };

function says(message: ClientMessage): Effect {
  return { type: 'send', message };
}

function parted(reason: PartingReason): ServerMessage {
  return { event: 'partner_disconnected', data: { reason, searching: false } };
}

function error(code: ErrorCode): ServerMessage {
  return { event: 'error', data: { code, message: 'A sentence.' } };
}

describe('getting ready', () => {
  const openPeer = [{ type: 'open_peer', iceServers: [{ urls: ['stun:relay.test'] }] }];

  test('the media connection is opened when the camera comes last', () => {
    const linked = advance(FIRST_STATE, received(CONNECTED));
    expect(reduce(linked, { type: 'camera_granted' })[1]).toEqual(openPeer);
  });

  test('the media connection is opened when the link comes last', () => {
    const seen = advance(FIRST_STATE, { type: 'camera_granted' });
    expect(reduce(seen, received(CONNECTED))[1]).toEqual(openPeer);
  });

  test('one of the two is not enough', () => {
    const linked = advance(FIRST_STATE, received(CONNECTED));
    const seen = advance(FIRST_STATE, { type: 'camera_granted' });
    expect([linked, seen, READY].map(isReady)).toEqual([false, false, true]);
  });

  test('a refused camera leaves its reason and no way to start', () => {
    const session = advance(
      FIRST_STATE,
      { type: 'camera_failed', failure: 'refused' },
      received(CONNECTED),
    );
    expect(session.camera).toEqual({ name: 'failed', failure: 'refused' });
    expect(reduce(session, { type: 'start' })).toEqual([session, []]);
  });

  test('the offer and its candidates go to the server', () => {
    const offer = { sdp: 'v=0', lines: { 0: 'microphone' } } as const;
    const candidate = { candidate: '', sdp_mid: null, sdp_m_line_index: null };
    expect(reduce(READY, { type: 'offered', offer })[1]).toEqual([
      says({ event: 'webrtc_offer', data: offer }),
    ]);
    expect(reduce(READY, { type: 'gathered', candidate })[1]).toEqual([
      says({ event: 'webrtc_ice_candidate', data: candidate }),
    ]);
  });

  test('the answer goes to the media connection', () => {
    const answer: ServerMessage = { event: 'webrtc_answer', data: { sdp: 'v=0' } };
    expect(reduce(READY, received(answer))[1]).toEqual([{ type: 'accept_answer', sdp: 'v=0' }]);
  });
});

describe('searching', () => {
  test('start looks for a partner', () => {
    const [session, effects] = reduce(READY, { type: 'start' });
    expect(session.phase.name).toBe('waiting');
    expect(effects).toEqual([says({ event: 'find_partner', data: {} })]);
  });

  test('start means nothing once the search has begun', () => {
    for (const session of [WAITING, TALKING, PARTNER_LEFT]) {
      expect(reduce(session, { type: 'start' })).toEqual([session, []]);
    }
  });

  test('stop while waiting leaves the queue', () => {
    const [session, effects] = reduce(WAITING, { type: 'stop' });
    expect(session.phase.name).toBe('idle');
    expect(effects).toEqual([says({ event: 'leave_room' })]);
  });

  test('a partner ends the search, and media starts', () => {
    const [session, effects] = reduce(WAITING, received(FOUND));
    expect(session.phase).toEqual({ name: 'talking', roomId: 'first' });
    expect(effects).toEqual([{ type: 'start_media' }]);
  });
});

describe('talking', () => {
  test('next silences media before it asks for another partner', () => {
    const [session, effects] = reduce(TALKING, { type: 'next' });
    expect(session.phase.name).toBe('waiting');
    expect(effects).toEqual([{ type: 'stop_media' }, says({ event: 'next_partner' })]);
  });

  test('stop silences media before it leaves', () => {
    const [session, effects] = reduce(TALKING, { type: 'stop' });
    expect(session.phase.name).toBe('idle');
    expect(effects).toEqual([{ type: 'stop_media' }, says({ event: 'leave_room' })]);
  });

  test.each(['next', 'left', 'disconnected', 'server_stopping'] as const)(
    'a partner who is gone (%s) silences media and leaves the reason',
    (reason) => {
      const [session, effects] = reduce(TALKING, received(parted(reason)));
      expect(session.phase).toEqual({ name: 'partner_left', reason });
      expect(effects).toEqual([{ type: 'stop_media' }]);
    },
  );

  test('another partner takes the place of the one there is', () => {
    const second: ServerMessage = {
      event: 'partner_found',
      data: { room_id: 'second', microphone: true, camera: true },
    };
    expect(advance(TALKING, received(second)).phase).toEqual({ name: 'talking', roomId: 'second' });
  });

  test('being put back into the queue silences media', () => {
    const [session, effects] = reduce(TALKING, received(LOOKING));
    expect(session.phase.name).toBe('waiting');
    expect(effects).toEqual([{ type: 'stop_media' }]);
  });
});

describe('after the partner left', () => {
  test('next searches again', () => {
    const [session, effects] = reduce(PARTNER_LEFT, { type: 'next' });
    expect(session.phase.name).toBe('waiting');
    expect(effects).toEqual([says({ event: 'next_partner' })]);
  });

  test('stop says nothing, because the server knows', () => {
    const [session, effects] = reduce(PARTNER_LEFT, { type: 'stop' });
    expect(session.phase.name).toBe('idle');
    expect(effects).toEqual([]);
  });
});

describe('messages that crossed', () => {
  const STOPPED = advance(WAITING, { type: 'stop' });

  test.each([
    ['a partner', FOUND],
    ['a place in the queue', LOOKING],
    ['a parting', parted('next')],
  ])('%s that was sent before the server read our stop changes nothing', (_, message) => {
    expect(reduce(STOPPED, received(message))).toEqual([STOPPED, []]);
  });

  test('a parting that crossed with our next leaves the search going', () => {
    const searching = advance(TALKING, { type: 'next' });
    expect(reduce(searching, received(parted('left')))).toEqual([searching, []]);
  });

  test('a former partner’s last words are not shown', () => {
    const message: ServerMessage = { event: 'chat_message', data: { id: '1', text: 'wait!' } };
    expect(advance(TALKING, { type: 'next' }, received(message)).chat).toEqual([]);
  });
});

describe('chat', () => {
  const hello: ServerMessage = { event: 'chat_message', data: { id: '1', text: 'hello' } };

  function lines(session: Session): string[] {
    return session.chat.map(({ from, text }) => `${from}: ${text}`);
  }

  test('keeps both sides in order', () => {
    const session = advance(TALKING, received(hello), { type: 'say', id: '1', text: 'hi' });
    expect(lines(session)).toEqual(['partner: hello', 'me: hi']);
  });

  test('sends what was said without the space around it', () => {
    const [, effects] = reduce(TALKING, { type: 'say', id: '1', text: ' hi \n' });
    expect(effects).toEqual([says({ event: 'chat_message', data: { id: '1', text: 'hi' } })]);
  });

  test('sends nothing blank, and nothing to nobody', () => {
    expect(reduce(TALKING, { type: 'say', id: '1', text: ' \n' })).toEqual([TALKING, []]);
    expect(reduce(WAITING, { type: 'say', id: '1', text: 'hi' })).toEqual([WAITING, []]);
  });

  test('begins empty with every partner', () => {
    const session = advance(TALKING, received(hello), { type: 'next' }, received(FOUND));
    expect(session.chat).toEqual([]);
  });

  test('forgets its oldest entries beyond its bound', () => {
    let session = TALKING;
    for (let count = 0; count <= MAX_ENTRIES; count += 1) {
      session = advance(session, { type: 'say', id: '1', text: `line ${count}` });
    }
    expect(session.chat).toHaveLength(MAX_ENTRIES);
    expect(session.chat[0]?.text).toBe('line 1');
    expect(new Set(session.chat.map((entry) => entry.id)).size).toBe(MAX_ENTRIES);
  });

  test('shows a refusal in the server’s own words', () => {
    expect(lines(advance(TALKING, received(error('message_too_large'))))).toEqual([
      'notice: A sentence.',
    ]);
  });

  test.each(['out_of_turn', 'too_many_candidates', 'server_full', 'slow_reader'] as const)(
    'says nothing of %s, which the person can do nothing about',
    (code) => {
      expect(reduce(TALKING, received(error(code)))).toEqual([TALKING, []]);
    },
  );
});

describe('the media connection', () => {
  const failed = received(error('connection_failed'));

  test('is made anew once when the server says that it failed', () => {
    const [session, effects] = reduce(READY, failed);
    expect(session.connection).toBe('new');
    expect(effects.map((effect) => effect.type)).toEqual(['open_peer']);
  });

  test('made anew in the middle of a conversation sends at once', () => {
    const effects = reduce(TALKING, failed)[1].map((effect) => effect.type);
    expect(effects).toEqual(['open_peer', 'start_media']);
  });

  test('that fails again is given up', () => {
    const [session, effects] = reduce(advance(READY, failed), failed);
    expect(session.connection).toBe('failed');
    expect(effects).toEqual([{ type: 'close_peer' }]);
    expect(isReady(session)).toBe(false);
  });

  test('that worked in between has another try', () => {
    const worked = advance(READY, failed, { type: 'connection_changed', connection: 'connected' });
    expect(reduce(worked, failed)[1].map((effect) => effect.type)).toEqual(['open_peer']);
  });

  test('that only the browser gave up waits for the server’s word', () => {
    const [session, effects] = reduce(READY, { type: 'connection_changed', connection: 'failed' });
    expect(session.connection).toBe('failed');
    expect(effects).toEqual([]);
  });

  test('whose offer is refused is given up', () => {
    const [session, effects] = reduce(READY, received(error('invalid_offer')));
    expect(session.connection).toBe('failed');
    expect(effects).toEqual([{ type: 'close_peer' }]);
  });
});

test('a lost link ends the conversation and closes the media connection', () => {
  const [session, effects] = reduce(TALKING, { type: 'link_lost', loss: 'closed' });
  expect(session.link).toEqual({ name: 'lost', loss: 'closed' });
  expect(session.phase.name).toBe('idle');
  expect(effects).toEqual([{ type: 'close_peer' }]);
  expect(isReady(session)).toBe(false);
});
