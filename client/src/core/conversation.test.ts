import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type FakeDevices, FakePermissions, stubDevices } from '../testing/fake_devices';
import {
  FakeMediaStream,
  FakePeerConnection,
  stubMediaGlobals,
} from '../testing/fake_peer_connection';
import { FakeWebSocket } from '../testing/fake_web_socket';
import { CONNECTED, FOUND, found, parted, resumed } from '../testing/sessions';
import { Conversation } from './conversation';
import { NOTHING_RECEIVED } from './machine/lines';
import { obstacleOf } from './machine/obstacle';
import { othersOf } from './machine/others';

const CONNECTION_FAILED = {
  event: 'error',
  data: { code: 'connection_failed', message: 'A sentence.' },
} as const;

const begun: Conversation[] = [];
let devices: FakeDevices;
let page: EventTarget;

/** Lets promises that are already settled run what hangs on them. */
async function settle(): Promise<void> {
  await new Promise((done) => setImmediate(done));
}

function connect(): void {
  FakeWebSocket.last.open();
  FakeWebSocket.last.receive(CONNECTED);
}

/** Closed after the test: its timers would connect in the middle of another one. */
async function begin(): Promise<Conversation> {
  const conversation = new Conversation('ws://relay.test/ws');
  begun.push(conversation);
  conversation.open();
  await settle();
  return conversation;
}

async function openConversation(): Promise<Conversation> {
  const conversation = await begin();
  connect();
  await settle();
  FakeWebSocket.last.receive({ event: 'webrtc_answer', data: { sdp: 'the answer' } });
  return conversation;
}

async function startTalking(): Promise<Conversation> {
  const conversation = await openConversation();
  conversation.act({ type: 'start' });
  FakeWebSocket.last.receive(FOUND);
  await settle();
  return conversation;
}

function sent(): (string | null)[] {
  return FakePeerConnection.last.sending().slice(0, 3);
}

beforeEach(() => {
  stubMediaGlobals();
  vi.stubGlobal('WebSocket', FakeWebSocket);
  // Nobody is asked to agree to anything.
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')));
  devices = stubDevices();
  page = new EventTarget();
  vi.stubGlobal('window', page);
  vi.stubGlobal('document', new EventTarget());
});
afterEach(() => {
  for (const conversation of begun.splice(0)) conversation.close();
  vi.useRealTimers();
});

test('connects once the person has agreed, and not before', async () => {
  const site = { name: null, contact: null, imprint: null, links: [] };
  const told = { is_needed: true, has_agreed: false, rules: '2', rules_html: '', minimum_age: 18 };
  const fetching = vi.fn(async (_: string, asked: RequestInit) =>
    asked.method === 'POST'
      ? new Response(null, { status: 204 })
      : Response.json({ ...told, site }),
  );
  vi.stubGlobal('fetch', fetching);
  const before = FakeWebSocket.last;
  const conversation = await begin();
  expect(obstacleOf(conversation.snapshot().session)).toEqual({ name: 'consent' });
  expect(FakeWebSocket.last).toBe(before);
  conversation.act({ type: 'agree' });
  await settle();
  expect(FakeWebSocket.last).not.toBe(before);
  connect();
  conversation.act({ type: 'start' });
  await settle();
  FakeWebSocket.last.receive({
    event: 'error',
    data: { code: 'consent_needed', message: 'A sentence.', refused: 'find_partner' },
  });
  expect(FakeWebSocket.last.closedWith).toBe(1000);
  await settle();
  conversation.act({ type: 'decline' });
  await settle();
  expect(fetching.mock.calls.map(([, { method = 'GET' }]) => method)).toEqual([
    'GET',
    'POST',
    'GET',
    'DELETE',
  ]);
});

test('offers its media connection before anyone asks for a partner', async () => {
  const conversation = await openConversation();
  expect(FakeWebSocket.last.events()).toEqual(['webrtc_offer']);
  expect(conversation.snapshot().local?.getTracks()).toEqual(devices.given);
  expect(conversation.snapshot().received.get(0)).toBeInstanceOf(FakeMediaStream);
  expect(sent()).toEqual([null, null, null]);
});

test('sends camera and microphone from one partner’s arrival to their leaving', async () => {
  await startTalking();
  expect(sent()).toEqual(['mic-1#0', 'cam-1#0', null]);
  FakeWebSocket.last.receive(parted('left', true));
  await settle();
  expect(sent()).toEqual([null, null, null]);
});

test('a camera that is turned off leaves the line and is dark at the source', async () => {
  const conversation = await startTalking();
  conversation.act({ type: 'toggle', kind: 'camera' });
  await settle();
  expect(sent()).toEqual(['mic-1#0', null, null]);
  expect(devices.newest('video').enabled).toBe(false);
  conversation.act({ type: 'toggle', kind: 'camera' });
  await settle();
  expect(sent()).toEqual(['mic-1#0', 'cam-1#0', null]);
});

test('another camera takes the line of the first in the middle of a conversation', async () => {
  const conversation = await startTalking();
  conversation.act({ type: 'choose_device', kind: 'camera', id: 'cam-2' });
  await settle();
  expect(sent()).toEqual(['mic-1#0', 'cam-2#2', null]);
  expect(conversation.snapshot().local?.getTracks().at(-1)).toBe(devices.newest('video'));
  expect(FakePeerConnection.made).toHaveLength(1);
});

test('a camera that is unplugged is noticed, and one that is plugged in takes its place', async () => {
  const conversation = await startTalking();
  devices.newest('video').end();
  await settle();
  expect(sent()).toEqual(['mic-1#0', null, null]);
  expect(conversation.snapshot().local?.getTracks()).toEqual([devices.newest('audio')]);
  conversation.act({ type: 'retry' });
  await settle();
  expect(sent()).toEqual(['mic-1#0', 'cam-1#2', null]);
});

test('what the system mutes is not sent, and is told, until it comes back', async () => {
  await startTalking();
  devices.newest('audio').mute(true);
  await settle();
  expect(sent()).toEqual([null, 'cam-1#0', null]);
  expect(FakeWebSocket.last.sent.at(-1)).toEqual({
    event: 'media_state',
    data: { microphone: false, camera: true },
  });
  devices.newest('audio').mute(false);
  await settle();
  expect(sent()).toEqual(['mic-1#0', 'cam-1#0', null]);
});

test('a camera that was refused is opened as soon as the person allows it', async () => {
  const permissions = new FakePermissions();
  devices = stubDevices(permissions);
  permissions.become('camera', 'denied');
  devices.refusals.video = 'NotAllowedError';
  const conversation = await openConversation();
  conversation.act({ type: 'start' });
  await settle();
  expect(conversation.snapshot().session.phase.name).toBe('waiting');
  delete devices.refusals.video;
  permissions.become('camera', 'granted');
  await settle();
  expect(conversation.snapshot().session.capture).toMatchObject({ using: { camera: 'cam-1' } });
});

test('a camera that cannot be switched to is reported as lost', async () => {
  const conversation = await startTalking();
  devices.refusal = 'NotReadableError';
  conversation.act({ type: 'choose_device', kind: 'camera', id: 'cam-2' });
  await settle();
  expect(conversation.snapshot().session.capture).toMatchObject({ lost: { camera: 'in_use' } });
});

test('lists devices once they have names, and again when one is plugged in', async () => {
  const conversation = await openConversation();
  expect(conversation.snapshot().session.devices.camera).toHaveLength(2);
  devices.plugged = [...devices.plugged, { kind: 'videoinput', deviceId: 'cam-3', label: 'New' }];
  devices.dispatchEvent(new Event('devicechange'));
  await settle();
  expect(conversation.snapshot().session.devices.camera).toHaveLength(3);
});

test('devices that are refused leave the reason', async () => {
  devices.refusal = 'NotAllowedError';
  const conversation = await openConversation();
  expect(conversation.snapshot().session.capture).toMatchObject({
    absent: { microphone: 'refused', camera: 'refused' },
  });
});

test('text closes the devices and the media connection', async () => {
  const conversation = await openConversation();
  conversation.act({ type: 'choose_mode', mode: 'text' });
  expect(FakePeerConnection.last.connectionState).toBe('closed');
  for (const track of devices.given) expect(track.stop).toHaveBeenCalledOnce();
  expect(conversation.snapshot()).toMatchObject({ local: null, received: NOTHING_RECEIVED });
});

test('a lost socket is replaced by itself, while the media connection stays', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const conversation = await startTalking();
  const before = FakeWebSocket.last;
  before.drop(1006);
  vi.advanceTimersByTime(300);
  expect(FakeWebSocket.last).not.toBe(before);
  connect();
  expect(FakeWebSocket.last.sent).toEqual([
    { event: 'resume', data: { token: 'token', last_message: null } },
  ]);
  FakeWebSocket.last.receive(resumed());
  expect(conversation.snapshot().session.phase).toMatchObject({ name: 'talking', roomId: 'first' });
  expect(FakePeerConnection.made.map((connection) => connection.closed)).toEqual([0]);
  expect(sent()).toEqual(['mic-1#0', 'cam-1#0', null]);
});

test('a session that cannot be gone on with begins anew with a media connection of its own', async () => {
  const conversation = await startTalking();
  FakeWebSocket.last.drop(1006);
  conversation.act({ type: 'retry' });
  connect();
  FakeWebSocket.last.receive({
    event: 'error',
    data: { code: 'resume_failed', message: 'A sentence.' },
  });
  await settle();
  expect(FakePeerConnection.made.map((connection) => connection.closed)).toEqual([1, 0]);
  expect(FakeWebSocket.last.events()).toEqual(['resume', 'find_partner', 'webrtc_offer']);
  expect(devices.asked).toHaveLength(1);
});

test('another network brings another socket and new ICE credentials', async () => {
  await startTalking();
  const before = FakeWebSocket.last;
  page.dispatchEvent(new Event('online'));
  expect(before.closedWith).toBeNull();
  connect();
  FakeWebSocket.last.receive(resumed());
  await settle();
  expect(FakePeerConnection.made).toHaveLength(1);
  expect(FakeWebSocket.last.sent.at(-1)).toMatchObject({ data: { sdp: 'the offer 2' } });
});

test('what a replaced socket still says is passed over', async () => {
  const conversation = await begin();
  const before = FakeWebSocket.last;
  before.drop(1006);
  conversation.act({ type: 'retry' });
  before.receive(CONNECTED);
  expect(conversation.snapshot().session.socket.name).toBe('reconnecting');
});

test('a message that nobody confirms within ten seconds failed', async () => {
  const conversation = await startTalking();
  vi.useFakeTimers();
  conversation.act({ type: 'say', id: 'a', text: 'hi' });
  vi.advanceTimersByTime(9_999);
  expect(conversation.snapshot().session.chat).toMatchObject([{ delivery: 'sending' }]);
  vi.advanceTimersByTime(1);
  expect(conversation.snapshot().session.chat).toMatchObject([{ delivery: 'failed' }]);
});

test('anyone who types without a pause tells it every three seconds, and the pause once', async () => {
  const conversation = await startTalking();
  vi.useFakeTimers();
  for (let second = 0; second < 8; second += 1) {
    conversation.act({ type: 'typed', empty: false });
    vi.advanceTimersByTime(1_000);
  }
  vi.advanceTimersByTime(10_000);
  const told = FakeWebSocket.last.sent.flatMap((message) =>
    message.event === 'typing' ? [message.data.active] : [],
  );
  expect(told).toEqual([true, true, true, false]);
});

test('replaces a failed media connection by one that sends to the same partner', async () => {
  const conversation = await startTalking();
  const before = conversation.snapshot().received.get(0);
  FakeWebSocket.last.receive(CONNECTION_FAILED);
  await settle();
  expect(FakePeerConnection.made.map((connection) => connection.closed)).toEqual([1, 0]);
  expect(sent()).toEqual(['mic-1#0', 'cam-1#0', null]);
  expect(conversation.snapshot().received.get(0)).not.toBe(before);
});

test('an offer that cannot be made is not forgotten', async () => {
  vi.stubGlobal('RTCRtpReceiver', {
    getCapabilities: () => {
      throw new DOMException('', 'InvalidStateError');
    },
  });
  const conversation = await openConversation();
  expect(conversation.snapshot().session.connection).toBe('given_up');
});

test('tells subscribers of changes only, until they leave', async () => {
  const conversation = await openConversation();
  const changed = vi.fn();
  const leave = conversation.subscribe(changed);
  FakePeerConnection.last.gather(null);
  expect(changed).not.toHaveBeenCalled();
  conversation.act({ type: 'start' });
  expect(changed).toHaveBeenCalledOnce();
  leave();
  conversation.act({ type: 'stop' });
  expect(changed).toHaveBeenCalledOnce();
});

test('closing it closes media, socket and devices, and can be repeated', async () => {
  const conversation = await startTalking();
  conversation.close();
  conversation.close();
  expect(FakePeerConnection.last.connectionState).toBe('closed');
  expect(FakeWebSocket.last.closedWith).toBe(1000);
  expect(devices.given).toHaveLength(2);
  for (const track of devices.given) expect(track.stop).toHaveBeenCalledOnce();
});

test('tells the relay once how soon the partner was seen, and not of a former one', async () => {
  const conversation = await startTalking();
  conversation.painted('former', true);
  expect(FakeWebSocket.last.events()).not.toContain('first_frame');
  conversation.painted('first', true);
  conversation.painted('first', true);
  expect(FakeWebSocket.last.events().filter((event) => event === 'first_frame')).toHaveLength(1);
});

test('closing it leaves no timer running and no listener behind', async () => {
  const unheard = vi.spyOn(devices, 'removeEventListener');
  const unseen = vi.spyOn(AbortController.prototype, 'abort');
  const newest = () => FakeWebSocket.last;
  const conversation = await openConversation();
  vi.useFakeTimers();
  conversation.act({ type: 'start' });
  FakeWebSocket.last.receive(FOUND);
  conversation.act({ type: 'say', id: 'a', text: 'hi' });
  // The confirmation of the message, the guard of Next, the relay's next word, the next report of quality, the next look for acknowledgements, and the probe.
  expect(vi.getTimerCount()).toBe(6);
  conversation.close();
  expect(vi.getTimerCount()).toBe(0);
  expect(unheard).toHaveBeenCalledOnce();
  // Of the network, the permissions, the page, and of the two tracks.
  expect(unseen).toHaveBeenCalledTimes(5);
  const last = newest();
  page.dispatchEvent(new Event('online'));
  expect(newest()).toBe(last);
});

test('devices that are granted after closing are switched off again', async () => {
  const conversation = await begin();
  const answer = devices.keepWaiting();
  await settle();
  conversation.close();
  answer();
  await settle();
  expect(devices.given).toHaveLength(2);
  for (const track of devices.given) expect(track.stop).toHaveBeenCalledOnce();
});

test('a partner is heard from when they are found until they are left, and the next after a moment', async () => {
  const conversation = await startTalking();
  const heard = () => FakePeerConnection.last.transceivers[3]?.receiver.track.enabled;
  expect(heard()).toBe(true);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  FakeWebSocket.last.receive(parted('next', true));
  expect(heard()).toBe(false);
  FakeWebSocket.last.receive(found('second'));
  expect(heard()).toBe(false);
  vi.advanceTimersByTime(400);
  expect(heard()).toBe(true);
  conversation.act({ type: 'stop' });
  expect(heard()).toBe(false);
});

describe('what a browser lacks or throws', () => {
  test('asks nothing of it before it is opened', () => {
    vi.stubGlobal('WebSocket', undefined);
    vi.stubGlobal('navigator', undefined);
    expect(new Conversation('ws://relay.test/ws').snapshot().session.socket.name).toBe('held');
  });

  test('a WebSocket that cannot be opened is said, and can be tried again', async () => {
    vi.stubGlobal(
      'WebSocket',
      class {
        constructor() {
          throw new DOMException('', 'SecurityError');
        }
      },
    );
    const conversation = await begin();
    expect(obstacleOf(conversation.snapshot().session)).toMatchObject({
      socket: { loss: 'barred' },
    });
    vi.stubGlobal('WebSocket', FakeWebSocket);
    conversation.act({ type: 'retry' });
    connect();
    expect(conversation.snapshot().session.socket.name).toBe('open');
  });

  test('without WebRTC no camera is asked for, and text works', async () => {
    vi.stubGlobal('RTCPeerConnection', undefined);
    const conversation = await begin();
    connect();
    await settle();
    expect(devices.asked).toEqual([]);
    expect(obstacleOf(conversation.snapshot().session)).toEqual({ name: 'no_calls' });
    conversation.act({ type: 'choose_mode', mode: 'text' });
    conversation.act({ type: 'start' });
    FakeWebSocket.last.receive(FOUND);
    expect(conversation.snapshot().session.phase.name).toBe('talking');
  });

  test('a connection that cannot be made closes the camera again, and says so', async () => {
    const { prototype } = FakePeerConnection;
    vi.spyOn(prototype, 'addTransceiver').mockImplementation(() => {
      throw new TypeError('sendEncodings');
    });
    const conversation = await begin();
    const changed = vi.fn();
    conversation.subscribe(changed);
    connect();
    await settle();
    expect(obstacleOf(conversation.snapshot().session)).toEqual({ name: 'no_calls' });
    expect(devices.given).toHaveLength(2);
    for (const track of devices.given) expect(track.stop).toHaveBeenCalled();
    expect(changed).toHaveBeenCalled();
    conversation.act({ type: 'choose_mode', mode: 'text' });
    conversation.act({ type: 'choose_mode', mode: 'video' });
    await settle();
    expect(obstacleOf(conversation.snapshot().session)).toEqual({ name: 'no_calls' });
    vi.restoreAllMocks();
  });

  test('a browser without encodings sends its camera without them', async () => {
    const { addTransceiver } = FakePeerConnection.prototype;
    vi.spyOn(FakePeerConnection.prototype, 'addTransceiver').mockImplementation(function add(
      this: FakePeerConnection,
      kind,
      init,
    ) {
      if ('sendEncodings' in init) throw new TypeError('sendEncodings');
      return addTransceiver.call(this, kind, init);
    });
    await startTalking();
    expect(sent()).toEqual(['mic-1#0', 'cam-1#0', null]);
    vi.restoreAllMocks();
  });

  test('a restart that throws is a connection that failed, and is repaired', async () => {
    const conversation = await startTalking();
    FakePeerConnection.last.become('connected');
    FakePeerConnection.last.restartIce = () => {
      throw new DOMException('', 'InvalidStateError');
    };
    FakePeerConnection.last.become('failed');
    await settle();
    expect(FakePeerConnection.made.length).toBeGreaterThan(1);
    expect(conversation.snapshot().session.connection).not.toBe('connected');
  });
});

test('a socket over which nothing comes is asked, and then replaced', async () => {
  const conversation = await startTalking();
  vi.useFakeTimers();
  FakeWebSocket.last.receive({ event: 'typing', data: { active: true } });
  vi.advanceTimersByTime(5_000);
  expect(FakeWebSocket.last.events().at(-1)).toBe('ping');
  FakeWebSocket.last.receive({ event: 'pong' });
  vi.advanceTimersByTime(8_999);
  expect(conversation.snapshot().session.socket.name).toBe('open');
  const silent = FakeWebSocket.last;
  vi.advanceTimersByTime(1);
  expect(conversation.snapshot().session.socket.name).toBe('reconnecting');
  expect(FakeWebSocket.last).not.toBe(silent);
});

test('what plays in one seat is one’s own element’s to tell, and all of them are to play', async () => {
  const conversation = await startTalking();
  const [first, second] = [new SilentVideo(), new SilentVideo()];
  conversation.showIn(0, first as unknown as HTMLVideoElement);
  conversation.showIn(1, second as unknown as HTMLVideoElement);
  expect([first.played, second.played]).toEqual([1, 1]);
  conversation.act({ type: 'play' });
  expect([first.played, second.played]).toEqual([2, 2]);
  await settle();
  second.muted = true;
  second.dispatchEvent(new Event('volumechange'));
  expect(othersOf(conversation.snapshot().session)).toMatchObject([{ playback: 'playing' }]);
  first.muted = true;
  first.dispatchEvent(new Event('volumechange'));
  expect(othersOf(conversation.snapshot().session)).toMatchObject([{ playback: 'silenced' }]);
  conversation.showIn(1, null);
  conversation.act({ type: 'play' });
  expect([first.played, second.played]).toEqual([3, 2]);
});

/** What playback.ts uses of a <video>. */
class SilentVideo extends EventTarget {
  readonly srcObject = new FakeMediaStream();
  readonly paused = false;
  muted = false;
  played = 0;

  async play() {
    this.played += 1;
  }
}
