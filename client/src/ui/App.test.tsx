// @vitest-environment happy-dom

import { cleanup, fireEvent, render, screen, within } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FIRST_STATE, type Session } from '../core/state';
import { advance, PARTNER_LEFT, READY, received, TALKING, WAITING } from '../testing/sessions';
import { App } from './App';

const actions = { start: vi.fn(), next: vi.fn(), stop: vi.fn(), say: vi.fn() };

function show(session: Session, partner: MediaStream | null = null) {
  const snapshot = { session, local: null, partner };
  const view = { ...actions, snapshot: () => snapshot, subscribe: () => () => undefined };
  return render(<App conversation={view} />);
}

function button(name: string) {
  return screen.getByRole<HTMLButtonElement>('button', { name });
}

function buttons(): (string | null)[] {
  return screen.getAllByRole('button').map((each) => each.textContent);
}

beforeEach(() => {
  for (const action of Object.values(actions)) action.mockReset();
});
afterEach(cleanup);

describe('the names that people and tests find things by', () => {
  test('are there in every state', () => {
    for (const session of [FIRST_STATE, READY, WAITING, TALKING, PARTNER_LEFT]) {
      show(session);
      expect(screen.getByLabelText('Partner video').tagName).toBe('VIDEO');
      expect(screen.getByLabelText('Your video').tagName).toBe('VIDEO');
      expect(screen.getByRole('log', { name: 'Chat' })).toBeDefined();
      expect(screen.getByRole('textbox', { name: 'Message' })).toBeDefined();
      expect(button('Send')).toBeDefined();
      cleanup();
    }
  });

  test.each([
    ['Allow camera and microphone to begin', FIRST_STATE],
    ['Ready when you are', READY],
    ['Looking for a partner…', WAITING],
    ['You are talking with a stranger', TALKING],
    ['Your partner left', PARTNER_LEFT],
    [
      'Camera and microphone were not allowed',
      advance(FIRST_STATE, { type: 'camera_failed', failure: 'refused' }),
    ],
    [
      'The connection to the server was lost',
      advance(TALKING, { type: 'link_lost', loss: 'closed' }),
    ],
    [
      'Video could not get through',
      advance(READY, { type: 'connection_changed', connection: 'failed' }),
    ],
  ])('the status says "%s"', (words, session) => {
    show(session);
    expect(screen.getByRole('status').textContent).toBe(words);
  });
});

describe('the buttons', () => {
  test('before a search: start, once everything is ready', () => {
    show(FIRST_STATE);
    expect(buttons()).toEqual(['Start', 'Send']);
    expect(button('Start').disabled).toBe(true);
    cleanup();
    show(READY);
    fireEvent.click(button('Start'));
    expect(actions.start).toHaveBeenCalledOnce();
  });

  test.each([
    ['while waiting', WAITING],
    ['while talking', TALKING],
    ['after the partner left', PARTNER_LEFT],
  ])('%s: next and stop', (_, session) => {
    show(session);
    expect(buttons()).toEqual(['Next', 'Stop', 'Send']);
    fireEvent.click(button('Next'));
    fireEvent.click(button('Stop'));
    expect(actions.next).toHaveBeenCalledOnce();
    expect(actions.stop).toHaveBeenCalledOnce();
    expect(document.activeElement).toBe(button('Next'));
  });
});

describe('the chat', () => {
  test('sends on Enter and empties the box', () => {
    show(TALKING);
    const box = screen.getByRole<HTMLInputElement>('textbox', { name: 'Message' });
    expect(box.maxLength).toBe(2_000);
    fireEvent.change(box, { target: { value: 'hello' } });
    fireEvent.submit(box);
    expect(actions.say).toHaveBeenCalledExactlyOnceWith('hello');
    expect(box.value).toBe('');
  });

  test('is closed unless talking', () => {
    for (const session of [READY, WAITING, PARTNER_LEFT]) {
      show(session);
      expect(screen.getByRole<HTMLInputElement>('textbox').disabled).toBe(true);
      cleanup();
    }
  });

  test('shows a stranger’s markup and links as text', () => {
    const text = '<img src=x onerror=alert(1)> https://example.org';
    show(advance(TALKING, received({ event: 'chat_message', data: { id: '1', text } })));
    const log = screen.getByRole('log');
    expect(within(log).getByText(text)).toBeDefined();
    expect(log.querySelector('img, a')).toBeNull();
  });

  test('does not carry a half-written message over to the next stranger', () => {
    const { rerender } = show(TALKING);
    fireEvent.change(screen.getByRole('textbox'), { target: { value: 'half a sen' } });
    const next = advance(
      TALKING,
      received({
        event: 'partner_found',
        data: { room_id: 'second', microphone: true, camera: true },
      }),
    );
    const snapshot = { session: next, local: null, partner: null };
    rerender(
      <App
        conversation={{ ...actions, snapshot: () => snapshot, subscribe: () => () => undefined }}
      />,
    );
    expect(screen.getByRole<HTMLInputElement>('textbox').value).toBe('');
  });
});

describe('the partner’s picture', () => {
  const frames: (() => void)[] = [];
  const video = () => screen.getByLabelText<HTMLVideoElement>('Partner video');

  beforeEach(() => {
    frames.length = 0;
    const { prototype } = HTMLVideoElement;
    prototype.requestVideoFrameCallback = (painted) => frames.push(painted as () => void);
    prototype.cancelVideoFrameCallback = () => undefined;
    prototype.play = () => Promise.resolve();
  });

  test('is hidden until the first frame of this conversation', async () => {
    show(TALKING, new MediaStream());
    expect(video().dataset.inView).toBe('false');
    frames.at(-1)?.();
    await vi.waitFor(() => expect(video().dataset.inView).toBe('true'));
  });

  test('is hidden when the conversation is over', () => {
    show(PARTNER_LEFT, new MediaStream());
    expect(frames).toEqual([]);
    expect(video().dataset.inView).toBe('false');
  });

  test('plays in silence where sound was refused, until the person taps', async () => {
    HTMLVideoElement.prototype.play = function play() {
      return this.muted
        ? Promise.resolve()
        : Promise.reject(new DOMException('', 'NotAllowedError'));
    };
    show(TALKING, new MediaStream());
    const tap = await screen.findByRole('button', { name: 'Tap to hear your partner' });
    expect(video().muted).toBe(true);
    HTMLVideoElement.prototype.play = () => Promise.resolve();
    fireEvent.click(tap);
    expect(video().muted).toBe(false);
    expect(screen.queryByRole('button', { name: 'Tap to hear your partner' })).toBeNull();
  });
});
