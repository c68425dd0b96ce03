import { beforeEach, expect, test, vi } from 'vitest';
import { FakePeerConnection, localStream, stubMediaGlobals } from '../testing/fake_peer_connection';
import { FakeWebSocket } from '../testing/fake_web_socket';
import { CONNECTED, FOUND } from '../testing/sessions';
import { Conversation } from './conversation';

const CONNECTION_FAILED = {
  event: 'error',
  data: { code: 'connection_failed', message: 'A sentence.' },
} as const;

let local: MediaStream;

/** Lets promises that are already settled run what hangs on them. */
async function settle(): Promise<void> {
  await new Promise((done) => setImmediate(done));
}

async function openConversation(): Promise<Conversation> {
  const conversation = new Conversation('ws://relay.test/ws');
  FakeWebSocket.last.open();
  FakeWebSocket.last.receive(CONNECTED);
  await settle();
  return conversation;
}

async function startTalking(): Promise<Conversation> {
  const conversation = await openConversation();
  conversation.start();
  FakeWebSocket.last.receive(FOUND);
  await settle();
  return conversation;
}

beforeEach(() => {
  local = localStream();
  stubMediaGlobals();
  vi.stubGlobal('WebSocket', FakeWebSocket);
  vi.stubGlobal('navigator', { mediaDevices: { getUserMedia: async () => local } });
});

test('offers its media connection before anyone asks for a partner', async () => {
  const conversation = await openConversation();
  expect(FakeWebSocket.last.events()).toEqual(['webrtc_offer']);
  expect(conversation.snapshot().local).toBe(local);
  expect(conversation.snapshot().partner).not.toBeNull();
});

test('sends camera and microphone from one partner’s arrival to their leaving', async () => {
  await startTalking();
  const { last } = FakePeerConnection;
  expect(last.sending().slice(0, 3)).toEqual(['my-microphone', 'my-camera', null]);
  FakeWebSocket.last.receive({
    event: 'partner_disconnected',
    data: { reason: 'left', searching: false },
  });
  await settle();
  expect(last.sending().slice(0, 3)).toEqual([null, null, null]);
});

test('replaces a failed media connection by one that sends to the same partner', async () => {
  const conversation = await startTalking();
  const before = conversation.snapshot().partner;
  FakeWebSocket.last.receive(CONNECTION_FAILED);
  await settle();
  expect(FakePeerConnection.made.map((connection) => connection.closed)).toEqual([1, 0]);
  expect(FakePeerConnection.last.sending().slice(0, 2)).toEqual(['my-microphone', 'my-camera']);
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
  conversation.start();
  expect(changed).toHaveBeenCalledOnce();
  leave();
  conversation.stop();
  expect(changed).toHaveBeenCalledOnce();
});

test('closing it closes media, link and camera, and can be repeated', async () => {
  const conversation = await startTalking();
  conversation.close();
  conversation.close();
  expect(FakePeerConnection.last.connectionState).toBe('closed');
  expect(FakeWebSocket.last.closedWith).toBe(1000);
  for (const track of local.getTracks()) expect(track.stop).toHaveBeenCalled();
});

test('a camera granted after closing is switched off again', async () => {
  const conversation = new Conversation('ws://relay.test/ws');
  conversation.close();
  await settle();
  for (const track of local.getTracks()) expect(track.stop).toHaveBeenCalledOnce();
});
