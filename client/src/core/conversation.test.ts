import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type FakeDevices, stubDevices } from '../testing/fake_devices';
import { FakePeerConnection, stubMediaGlobals } from '../testing/fake_peer_connection';
import { FakeWebSocket } from '../testing/fake_web_socket';
import { CONNECTED, FOUND, parted } from '../testing/sessions';
import { Conversation } from './conversation';

const CONNECTION_FAILED = {
  event: 'error',
  data: { code: 'connection_failed', message: 'A sentence.' },
} as const;

let devices: FakeDevices;

/** Lets promises that are already settled run what hangs on them. */
async function settle(): Promise<void> {
  await new Promise((done) => setImmediate(done));
}

function connect(): void {
  FakeWebSocket.last.open();
  FakeWebSocket.last.receive(CONNECTED);
}

async function openConversation(): Promise<Conversation> {
  const conversation = new Conversation('ws://relay.test/ws');
  connect();
  await settle();
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
  devices = stubDevices();
});
afterEach(() => {
  vi.useRealTimers();
});

test('offers its media connection before anyone asks for a partner', async () => {
  const conversation = await openConversation();
  expect(FakeWebSocket.last.events()).toEqual(['webrtc_offer']);
  expect(conversation.snapshot().local?.getTracks()).toEqual(devices.given);
  expect(conversation.snapshot().partner).not.toBeNull();
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
  expect(conversation.snapshot().session.capture).toEqual({ name: 'failed', failure: 'refused' });
});

test('text closes the devices and the media connection', async () => {
  const conversation = await openConversation();
  conversation.act({ type: 'choose_mode', mode: 'text' });
  expect(FakePeerConnection.last.connectionState).toBe('closed');
  for (const track of devices.given) expect(track.stop).toHaveBeenCalledOnce();
  expect(conversation.snapshot()).toMatchObject({ local: null, partner: null });
});

test('a lost link is replaced on request by a new one with a media connection of its own', async () => {
  const conversation = await startTalking();
  const before = FakeWebSocket.last;
  before.drop(1006);
  conversation.act({ type: 'retry' });
  expect(FakeWebSocket.last).not.toBe(before);
  connect();
  await settle();
  expect(FakePeerConnection.made.map((connection) => connection.closed)).toEqual([1, 0]);
  expect(FakeWebSocket.last.events()).toEqual(['webrtc_offer']);
  expect(devices.asked).toHaveLength(1);
});

test('a link that is replaced while it is open is closed', async () => {
  const conversation = await openConversation();
  const before = FakeWebSocket.last;
  conversation.act({ type: 'choose_mode', mode: 'text' });
  conversation.act({ type: 'choose_mode', mode: 'video' });
  await settle();
  expect(before.closedWith).toBe(1000);
  expect(FakeWebSocket.last).not.toBe(before);
});

test('what a replaced link still says is not heard', async () => {
  const conversation = new Conversation('ws://relay.test/ws');
  const before = FakeWebSocket.last;
  before.drop(1006);
  conversation.act({ type: 'retry' });
  before.receive(CONNECTED);
  expect(conversation.snapshot().session.link.name).toBe('connecting');
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

test('whoever types without a pause tells it every three seconds, and the pause once', async () => {
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
  const before = conversation.snapshot().partner;
  FakeWebSocket.last.receive(CONNECTION_FAILED);
  await settle();
  expect(FakePeerConnection.made.map((connection) => connection.closed)).toEqual([1, 0]);
  expect(sent()).toEqual(['mic-1#0', 'cam-1#0', null]);
  expect(conversation.snapshot().partner).not.toBe(before);
});

test('an offer that fails while it is being asked for is not forgotten', async () => {
  vi.stubGlobal('RTCRtpReceiver', {
    getCapabilities: () => {
      throw new DOMException('', 'InvalidStateError');
    },
  });
  const conversation = await openConversation();
  expect(conversation.snapshot().session.connection).toBe('failed');
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

test('closing it closes media, link and devices, and can be repeated', async () => {
  const conversation = await startTalking();
  conversation.close();
  conversation.close();
  expect(FakePeerConnection.last.connectionState).toBe('closed');
  expect(FakeWebSocket.last.closedWith).toBe(1000);
  expect(devices.given).toHaveLength(2);
  for (const track of devices.given) expect(track.stop).toHaveBeenCalledOnce();
});

test('closing it leaves no timer running and no listener behind', async () => {
  const unheard = vi.spyOn(devices, 'removeEventListener');
  const conversation = await openConversation();
  vi.useFakeTimers();
  conversation.act({ type: 'start' });
  FakeWebSocket.last.receive(FOUND);
  conversation.act({ type: 'say', id: 'a', text: 'hi' });
  expect(vi.getTimerCount()).toBe(1);
  conversation.close();
  expect(vi.getTimerCount()).toBe(0);
  expect(unheard).toHaveBeenCalledOnce();
});

test('devices that are granted after closing are switched off again', async () => {
  const conversation = new Conversation('ws://relay.test/ws');
  conversation.close();
  await settle();
  expect(devices.given).toHaveLength(2);
  for (const track of devices.given) expect(track.stop).toHaveBeenCalledOnce();
});
