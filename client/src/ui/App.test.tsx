// @vitest-environment happy-dom

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { DeviceFailure } from '../core/machine/devices';
import { type Door, FIRST_STATE, type Session } from '../core/machine/state';
import { act, cleanup, fireEvent, screen } from '../testing/page';
import {
  ALLOWED,
  advance,
  became,
  CONNECTED,
  CONNECTED_CALL,
  CUT,
  captured,
  ended,
  error,
  found,
  GRANTED,
  LOST,
  PARTED,
  parted,
  permitted,
  READY,
  RECONNECTING,
  RESTARTED,
  RESUMING,
  received,
  resumed,
  SOCKET_OPEN,
  TALKING,
  TEXT_READY,
  WAITING,
} from '../testing/sessions';
import { button, buttons, show } from '../testing/view';
import { wordsFor } from './headline_words';

const INVALID = error('invalid_offer');
const AWAY = advance(CONNECTED_CALL, received({ event: 'partner_reconnecting' }));
const COOLING = advance(
  WAITING,
  error('rate_limited', { refused: 'next_partner', retry_after: 3 }),
);
const CAMERA_OFF = advance(WAITING, received(found('first', false, false)));

const NOTHING = { microphone: null, camera: null };
const ASKED = advance(SOCKET_OPEN, { type: 'start' });

function refused(failure: DeviceFailure): Session {
  return advance(ASKED, captured(NOTHING, { microphone: failure, camera: failure }));
}

function identified(session: Session): Session {
  return { ...session, userId: '0123abcd4567ef890123abcd4567ef89' };
}

function shut(door: Door): Session {
  return advance(GRANTED, CUT, { type: 'door_answered', door });
}

/** The person tried again, and nothing changed. */
function again(failure: DeviceFailure): Session {
  const failures = { microphone: failure, camera: failure };
  return advance(refused(failure), { type: 'retry' }, captured(NOTHING, failures));
}

afterEach(cleanup);

describe('the support code', () => {
  test('is the beginning of what the relay calls the visitor in its log', () => {
    show(identified(READY));
    expect(screen.getByText('Support code 0123abcd')).toBeTruthy();
  });

  test('stands beside what the log says more of', () => {
    show(identified(advance(CONNECTED_CALL, { type: 'socket_lost', loss: 'flooded' })));
    expect(screen.getByText(/in too short a time\. Support code 0123abcd\.$/)).toBeTruthy();
    cleanup();
    show(identified(LOST));
    expect(screen.getByText('Support code 0123abcd.')).toBeTruthy();
    cleanup();
    show(identified(TALKING));
    expect(screen.queryByText(/Support code/)).toBeNull();
  });

  test('is that of the session which goes on', () => {
    expect(advance(RESUMING, received(resumed({ user_id: 'again' }))).userId).toBe('again');
  });
});

describe('the names that people and tests find things by', () => {
  test('are there on the landing page', () => {
    show(READY);
    expect(screen.getByLabelText('Your video').tagName).toBe('VIDEO');
    expect(button('Start').getAttribute('aria-disabled')).toBe('false');
  });

  test('are there from the search to the parting', () => {
    for (const session of [WAITING, TALKING, PARTED]) {
      show(session);
      expect(screen.getByLabelText('Partner video').tagName).toBe('VIDEO');
      expect(screen.getByLabelText('Your video').tagName).toBe('VIDEO');
      expect(screen.getByRole('log', { name: 'Chat' })).toBeDefined();
      expect(screen.getByRole('textbox', { name: 'Message' })).toBeDefined();
      expect(buttons()).toEqual(expect.arrayContaining(['Next', 'Stop', 'Send']));
      cleanup();
    }
  });
});

/** Each with the buttons that lead on, of which every state must have one. */
const STATES: [string, Session, string[]][] = [
  ['Connecting to the server…', FIRST_STATE, ['Start']],
  ['Allow camera and microphone to begin', ASKED, ['Chat by text instead']],
  ['Opening your camera…', ALLOWED, ['Start']],
  ['Connecting to the server…', GRANTED, ['Start']],
  ['Ready when you are', READY, ['Start']],
  ['Looking for a partner…', WAITING, ['Stop']],
  ['You are talking with a stranger', TALKING, ['Next', 'Stop']],
  ['Your partner left', PARTED, ['Next', 'Stop']],
  [
    'Your partner left. Looking for another…',
    advance(TALKING, received(parted('left', true))),
    ['Stop'],
  ],
  [
    'The operator of this site ended your conversation. Looking for another…',
    advance(TALKING, received(parted('operator', true))),
    ['Stop'],
  ],
  ['A short pause', COOLING, ['Stop']],
  ['Camera and microphone were not allowed', refused('refused'), ['Try again', 'Start']],
  ['No camera or microphone was found', refused('none'), ['Try again', 'Start']],
  ['Your camera or microphone is in use', refused('in_use'), ['Try again', 'Start']],
  [
    'Camera and microphone need a secure page',
    refused('insecure'),
    ['Chat by text instead', 'Start'],
  ],
  ['Camera and microphone could not be opened', refused('other'), ['Try again', 'Start']],
  ['Camera and microphone are still not allowed', again('refused'), ['Try again', 'Start']],
  ['Still no camera or microphone was found', again('none'), ['Try again', 'Start']],
  ['Your camera or microphone is still in use', again('in_use'), ['Try again', 'Start']],
  ['Camera and microphone could still not be opened', again('other'), ['Try again', 'Start']],
  [
    'Microphone was not allowed',
    advance(
      READY,
      { type: 'choose_mode', mode: 'audio' },
      captured(NOTHING, { microphone: 'refused' }),
    ),
    ['Try again', 'Start'],
  ],
  ['The server closed the connection', LOST, ['Reconnect']],
  [
    'The server closed the connection',
    advance(READY, { type: 'socket_lost', loss: 'flooded' }),
    ['Reconnect'],
  ],
  [
    'The connection to the server was lost',
    advance(READY, { type: 'socket_lost', loss: 'too_slow' }),
    ['Reconnect'],
  ],
  [
    'Your conversation goes on in another window',
    advance(TALKING, { type: 'socket_lost', loss: 'superseded' }),
    ['Reconnect', 'Stop'],
  ],
  ['The server cannot be reached', advance(GRANTED, CUT), ['Reconnect now', 'Start']],
  ['The server cannot be reached', shut('silent'), ['Reconnect now', 'Start']],
  ['The server is not running right now', shut('not_there'), ['Reconnect now', 'Start']],
  ['Something blocks the way to the server', shut('no_websocket'), ['Reconnect now', 'Start']],
  [
    'The server does not serve this address yet',
    shut('origin_refused'),
    ['Reconnect now', 'Start'],
  ],
  ['Too much comes from your network address', shut('rate_limited'), ['Reconnect now', 'Start']],
  ['Reconnecting…', RECONNECTING, ['Reconnect now', 'Stop']],
  ['Reconnecting…', RESUMING, ['Reconnect now', 'Stop']],
  ['The server is restarting…', advance(TALKING, RESTARTED), ['Reconnect now', 'Stop']],
  ['Your partner is reconnecting…', AWAY, ['Next', 'Stop']],
  [
    'Your partner left while you were reconnecting',
    advance(RESUMING, received(resumed({ room_id: null }))),
    ['Next', 'Stop'],
  ],
  ['Reconnecting picture and sound…', advance(CONNECTED_CALL, became('failed')), ['Next', 'Stop']],
  [
    'This server restarts in up to 60 seconds',
    advance(TALKING, received({ event: 'server_draining', data: { seconds: 60 } })),
    ['Next', 'Stop'],
  ],
  ['The server is full right now', advance(GRANTED, error('server_full')), ['Try again']],
  ['The server is about to restart', advance(GRANTED, error('server_draining')), ['Try again']],
  [
    'Too many visitors share your network address',
    advance(GRANTED, error('too_many_connections')),
    ['Try again'],
  ],
  [
    'Your conversation was cut off. Looking for another…',
    advance(RESUMING, error('resume_failed')),
    ['Stop'],
  ],
  ['Looking for a partner…', advance(TALKING, { type: 'next' }), ['Back', 'Stop']],
  [
    'Your last partner would like to come back',
    advance(PARTED, received({ event: 'back_asked', data: { room_id: 'first' } })),
    ['Back', 'Next', 'Stop'],
  ],
  [
    'Your browser stopped the picture',
    advance(TALKING, { type: 'playback_changed', seat: 0, playback: 'stopped' }),
    ['Play', 'Next', 'Stop'],
  ],
  ['Video could not get through', advance(READY, INVALID), ['Try again']],
  ['Video could not get through', advance(TALKING, INVALID), ['Try again', 'Next', 'Stop']],
  [
    'Your camera was disconnected',
    advance(TALKING, { type: 'device_ended', kind: 'camera' }),
    ['Try again', 'Next', 'Stop'],
  ],
  [
    'Your camera and microphone are not allowed any more',
    advance(
      TALKING,
      permitted('camera', 'denied'),
      permitted('microphone', 'denied'),
      { type: 'device_ended', kind: 'camera' },
      { type: 'device_ended', kind: 'microphone' },
    ),
    ['Try again', 'Next', 'Stop'],
  ],
  [
    'Your camera is still not allowed',
    advance(
      TALKING,
      permitted('camera', 'denied'),
      { type: 'device_ended', kind: 'camera' },
      { type: 'retry' },
      captured({ microphone: 'mic-1', camera: null }, { camera: 'refused' }),
    ),
    ['Try again', 'Next', 'Stop'],
  ],
  [
    'Your microphone could not be opened',
    advance(READY, captured({ microphone: null, camera: 'cam-1' }, { microphone: 'in_use' })),
    ['Try again', 'Start'],
  ],
  [
    'No camera was found',
    advance(ASKED, captured({ microphone: 'mic-1', camera: null }, { camera: 'none' }), {
      type: 'stop',
    }),
    ['Try again', 'Start'],
  ],
  [
    'Camera and microphone could not be opened',
    advance(ASKED, captured(NOTHING, { camera: 'none', microphone: 'refused' })),
    ['Try again', 'Start'],
  ],
  [
    'Your microphone is turned off by your system',
    advance(TALKING, { type: 'device_muted', kind: 'microphone', muted: true }),
    ['Try again', 'Next', 'Stop'],
  ],
  [
    'This browser cannot hold video calls',
    advance(READY, { type: 'thrown', by: 'open_peer' }),
    ['Chat by text instead'],
  ],
  [
    'This browser cannot connect to the server',
    advance(GRANTED, { type: 'thrown', by: 'connect' }),
    ['Try again'],
  ],
];

describe('every state has words and a way on', () => {
  test.each(STATES)('"%s"', (words, session, ways) => {
    show(session);
    expect(screen.getByRole('status').textContent).toBe(words);
    const enabled = screen
      .getAllByRole<HTMLButtonElement>('button')
      .filter((each) => !each.disabled && each.getAttribute('aria-disabled') !== 'true')
      .map((each) => each.textContent);
    expect(enabled).toEqual(expect.arrayContaining(ways));
  });

  test('that a conversation goes on without a socket is said where its picture moves, and nowhere else', () => {
    const cut = advance(CONNECTED_CALL, CUT);
    expect(wordsFor(cut, 'moving').hint).toMatch(/^Your conversation goes on\./);
    for (const sight of ['late', 'frozen', null] as const)
      expect(wordsFor(cut, sight).hint).toMatch(/^This page keeps trying by itself\./);
  });

  test('a full server says when to try again', () => {
    show(advance(GRANTED, error('server_full', { retry_after: 29.2 })));
    expect(screen.getByText('There may be room in 30 seconds.')).toBeDefined();
  });

  test('a server that ends says when another one may be there', () => {
    show(advance(GRANTED, error('server_draining', { retry_after: 30 })));
    expect(screen.getByText(/takes nobody new until then. Try again in 30 seconds./)).toBeDefined();
  });

  test.each([
    ['You are not seen or heard until one is found.', WAITING],
    [
      'You are not seen until one is found.',
      advance(WAITING, { type: 'toggle', kind: 'microphone' }),
    ],
    [
      'You are not heard until one is found.',
      advance(
        ASKED,
        captured({ microphone: 'mic-1', camera: null }, { camera: 'none' }),
        received(CONNECTED),
      ),
    ],
    [
      'You will see and hear them, and they read what you write.',
      advance(refused('none'), { type: 'start' }),
    ],
    ['You share nothing but what you write.', advance(TEXT_READY, { type: 'start' })],
    [
      'Your other tab is waiting, too. To try it with yourself, open a private window.',
      advance(WAITING, received({ event: 'waiting_for_partner', data: { own_tab: true } })),
    ],
  ])('who waits reads what is true of them: "%s"', (hint, session) => {
    show(session);
    expect(screen.getByText(hint)).toBeDefined();
  });

  test('a restart comes nearer as one looks, and is said once', () => {
    vi.useFakeTimers();
    const draining = received({ event: 'server_draining', data: { seconds: 60 } });
    show(advance(TALKING, draining));
    expect(screen.getByText('60 s').getAttribute('aria-hidden')).toBe('true');
    act(() => void vi.advanceTimersByTime(10_000));
    expect(screen.getByText('50 s')).toBeDefined();
    expect(screen.getByRole('status').textContent).toBe('This server restarts in up to 60 seconds');
    vi.useRealTimers();
  });

  test('the way on does what stands in the way needs', () => {
    const view = show(LOST);
    fireEvent.click(button('Reconnect'));
    view.go(refused('insecure'));
    fireEvent.click(button('Chat by text instead'));
    expect(view.did).toEqual([{ type: 'retry' }, { type: 'choose_mode', mode: 'text' }]);
  });

  test('the focus stays with the words when the way on vanishes', () => {
    show(LOST);
    fireEvent.click(button('Reconnect'));
    expect(document.activeElement).toBe(screen.getByRole('status').parentElement);
  });

  test('while only text is shared, nobody is asked for a camera', () => {
    show(advance(TEXT_READY, { type: 'start' }));
    expect(screen.getByRole('status').textContent).toBe('Looking for a partner…');
    expect(screen.queryByLabelText('Your video')).toBeNull();
    expect(buttons()).toEqual(['Next', 'Stop', 'Send']);
  });
});

describe('the partner’s devices', () => {
  test('a camera that is off has words in the place of the picture', () => {
    show(CAMERA_OFF, new MediaStream());
    expect(screen.getByText('Their camera is off')).toBeDefined();
  });

  test('a microphone that is off has a badge, which goes with the partner', () => {
    const view = show(CAMERA_OFF);
    expect(screen.getByText('Your partner is muted')).toBeDefined();
    view.go(advance(CAMERA_OFF, ended('guard'), { type: 'next' }));
    expect(screen.queryByText('Your partner is muted')).toBeNull();
  });
});

describe('the partner’s picture', () => {
  const frames: (() => void)[] = [];
  const video = () => screen.getByLabelText<HTMLVideoElement>('Partner video');

  beforeEach(() => {
    frames.length = 0;
    const { prototype } = HTMLVideoElement;
    prototype.requestVideoFrameCallback = (painted) =>
      frames.push(() => painted(0, {} as VideoFrameCallbackMetadata));
    prototype.cancelVideoFrameCallback = () => undefined;
    prototype.play = () => Promise.resolve();
  });

  test('is hidden until the first frame of this conversation', async () => {
    show(TALKING, new MediaStream());
    expect(video().dataset.inView).toBe('false');
    frames.at(-1)?.();
    await vi.waitFor(() => expect(video().dataset.inView).toBe('true'));
  });

  test('is hidden while their camera is off, and until its next frame when it is on again', async () => {
    const view = show(TALKING, new MediaStream());
    frames.at(-1)?.();
    await vi.waitFor(() => expect(video().dataset.inView).toBe('true'));
    const off = advance(
      TALKING,
      received({ event: 'media_state', data: { microphone: true, camera: false } }),
    );
    view.go(off);
    expect(video().dataset.inView).toBe('false');
    view.go(TALKING);
    expect(video().dataset.inView).toBe('false');
    frames.at(-1)?.();
    await vi.waitFor(() => expect(video().dataset.inView).toBe('true'));
  });

  test('stays while their connection is lost, for as long as it moves', () => {
    vi.useFakeTimers();
    const view = show(CONNECTED_CALL, new MediaStream());
    act(() => frames.at(-1)?.());
    view.go(AWAY);
    expect(video().dataset.inView).toBe('true');
    act(() => void vi.advanceTimersByTime(4_000));
    expect(video().dataset.inView).toBe('false');
    expect(screen.getByRole('status').textContent).toBe('Your partner is reconnecting…');
    act(() => frames.at(-1)?.());
    expect(video().dataset.inView).toBe('true');
    vi.useRealTimers();
  });

  test('stays while our own connection is lost, and the words about it stand aside', async () => {
    const view = show(CONNECTED_CALL, new MediaStream());
    frames.at(-1)?.();
    await vi.waitFor(() => expect(video().dataset.inView).toBe('true'));
    view.go(RECONNECTING);
    expect(video().dataset.inView).toBe('true');
    expect(screen.getByRole('status').parentElement?.dataset.aside).toBe('true');
    fireEvent.click(button('Reconnect now'));
    expect(view.did).toEqual([{ type: 'retry' }]);
  });

  test('is hidden once the server has ended', async () => {
    const view = show(CONNECTED_CALL, new MediaStream());
    frames.at(-1)?.();
    await vi.waitFor(() => expect(video().dataset.inView).toBe('true'));
    view.go(advance(CONNECTED_CALL, RESTARTED));
    expect(video().dataset.inView).toBe('false');
  });

  test('is covered in words when it has stopped, until it goes on', async () => {
    vi.useFakeTimers();
    show(CONNECTED_CALL, new MediaStream());
    act(() => frames.at(-1)?.());
    expect(video().dataset.inView).toBe('true');
    act(() => void vi.advanceTimersByTime(4_000));
    expect(video().dataset.inView).toBe('false');
    expect(screen.getByRole('status').textContent).toBe('No picture from your partner right now');
    act(() => frames.at(-1)?.());
    expect(video().dataset.inView).toBe('true');
    expect(screen.getByRole('status').textContent).toBe('You are talking with a stranger');
    vi.useRealTimers();
  });

  test('is hidden when the conversation is over', () => {
    show(PARTED, new MediaStream());
    expect(frames).toEqual([]);
    expect(video().dataset.inView).toBe('false');
  });

  test('that plays in silence is heard after a press', () => {
    const silenced = advance(TALKING, { type: 'playback_changed', seat: 0, playback: 'silenced' });
    const view = show(silenced, new MediaStream());
    fireEvent.click(button('Turn sound on'));
    expect(view.did).toEqual([{ type: 'play' }]);
    view.go(TALKING);
    expect(screen.queryByRole('button', { name: 'Turn sound on' })).toBeNull();
  });

  test('that does not come for a while is said not to be there yet', () => {
    vi.useFakeTimers();
    show(CONNECTED_CALL, new MediaStream());
    act(() => void vi.advanceTimersByTime(5_000));
    expect(screen.getByRole('status').textContent).toBe('No picture from your partner yet');
    vi.useRealTimers();
  });
});
