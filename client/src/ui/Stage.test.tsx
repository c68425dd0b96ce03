// @vitest-environment happy-dom

// What the page shows of several others at a time, each in the tile of their seat.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { updatePartner } from '../core/machine/others';
import type { Partner, Session } from '../core/machine/state';
import { act, cleanup, fireEvent, screen } from '../testing/page';
import { advance, COMPANY, parted, received, WAITING } from '../testing/sessions';
import { button, show } from '../testing/view';
import { announcements } from './announcements';

/** By video: what the browser does when it paints its next frame. */
const frames = new Map<HTMLVideoElement, () => void>();

beforeEach(() => {
  frames.clear();
  const { prototype } = HTMLVideoElement;
  prototype.requestVideoFrameCallback = function request(this: HTMLVideoElement, painted) {
    frames.set(this, () => painted(0, {} as VideoFrameCallbackMetadata));
    return 1;
  };
  prototype.cancelVideoFrameCallback = () => undefined;
});
afterEach(cleanup);

function change(session: Session, seat: number, changes: Partial<Partner>): Session {
  return updatePartner(session, seat, changes)[0];
}

function showThree(session: Session) {
  const streams = [new MediaStream(), new MediaStream(), new MediaStream()];
  return { streams, ...show(session, ...streams) };
}

const videos = () => screen.getAllByLabelText<HTMLVideoElement>('Partner video');
const inView = () => videos().map(({ dataset }) => dataset.inView);
const status = () => screen.getByRole('status').textContent;

function paint(seat: number): void {
  const video = videos()[seat];
  if (video !== undefined) act(() => frames.get(video)?.());
}

test('each of several is in a picture of their own, from their own first frame on', () => {
  const { streams } = showThree(COMPANY);
  expect(videos().map(({ srcObject }) => srcObject)).toEqual(streams);
  expect(inView()).toEqual(['false', 'false', 'false']);
  paint(1);
  expect(inView()).toEqual(['false', 'true', 'false']);
  paint(0);
  expect(inView()).toEqual(['true', 'true', 'false']);
});

test('who turns their camera off is hidden, and the others are not', () => {
  const { go } = showThree(COMPANY);
  for (const seat of [0, 1, 2]) paint(seat);
  go(change(COMPANY, 2, { camera: false }));
  expect(inView()).toEqual(['true', 'true', 'false']);
});

test('who is muted is so in their own tile', () => {
  showThree(change(COMPANY, 1, { microphone: false }));
  const signs = videos().map((video) => video.parentElement?.textContent?.includes('muted'));
  expect(signs).toEqual([false, true, false]);
});

test('an empty seat takes no room from the others, and its element is there for who comes', () => {
  const { go } = showThree(COMPANY);
  const before = videos();
  const vacant = () => videos().map((video) => video.parentElement?.dataset.vacant);
  expect(vacant()).toEqual(['false', 'false', 'false']);
  go(advance(COMPANY, received(parted('left', true))));
  expect(vacant()).toEqual(['true', 'true', 'true']);
  expect(videos()).toEqual(before);
});

test('one press is asked for, however many play in silence', () => {
  const silenced = [0, 1, 2].reduce(
    (session, seat) => change(session, seat, { playback: 'silenced' }),
    COMPANY,
  );
  const { did } = showThree(silenced);
  fireEvent.click(button('Turn sound on'));
  expect(did).toEqual([{ type: 'play' }]);
});

test('one of several who is away is not the whole conversation', () => {
  const one = change(COMPANY, 0, { away: true });
  const { go } = showThree(one);
  expect(status()).toBe('You are talking with a stranger');
  go(change(change(one, 1, { away: true }), 2, { away: true }));
  expect(status()).toBe('Your partner is reconnecting…');
});

test('what each of them turns off is said', () => {
  const muted = change(COMPANY, 2, { microphone: false });
  const dark = change(muted, 0, { camera: false });
  expect(announcements(WAITING, COMPANY)).toEqual([]);
  expect(announcements(muted, dark)).toEqual(['Your partner’s camera is off']);
  expect(announcements(WAITING, dark)).toEqual([
    'Your partner’s camera is off',
    'Your partner’s microphone is off',
  ]);
});
