import { beforeEach, describe, expect, test, vi } from 'vitest';
import { FakeWebSocket } from '../../testing/fake_web_socket';
import { relayUrl, Signalling } from './signalling';

const observer = { received: vi.fn(), lost: vi.fn() };

function connect(): Signalling {
  return new Signalling('ws://relay.test/ws', observer);
}

beforeEach(() => {
  vi.stubGlobal('WebSocket', FakeWebSocket);
  observer.received.mockReset();
  observer.lost.mockReset();
});

describe('the address', () => {
  test('is encrypted where the page is', () => {
    expect(relayUrl('https://chat.test/')).toBe('wss://chat.test/ws');
    expect(relayUrl('http://chat.test:8080/?from=here#top')).toBe('ws://chat.test:8080/ws');
  });

  test('is beside the page, in whichever folder that is', () => {
    expect(relayUrl('http://[2001:db8::1]/check')).toBe('ws://[2001:db8::1]/ws');
    expect(relayUrl('https://site.test/videos/chat/')).toBe('wss://site.test/videos/chat/ws');
    expect(relayUrl('https://site.test/chat/check')).toBe('wss://site.test/chat/ws');
  });
});

describe('sending', () => {
  test('writes one message as one frame', () => {
    const signalling = connect();
    FakeWebSocket.last.open();
    signalling.send({ event: 'chat_message', data: { id: '1', text: 'hello' } });
    expect(FakeWebSocket.last.sent).toEqual([
      { event: 'chat_message', data: { id: '1', text: 'hello' } },
    ]);
  });

  test('drops what is said before the socket is open', () => {
    connect().send({ event: 'find_partner', data: {} });
    expect(FakeWebSocket.last.sent).toEqual([]);
  });
});

describe('receiving', () => {
  test('hands over a known event', () => {
    connect();
    FakeWebSocket.last.receive({
      event: 'partner_found',
      data: { room_id: 'r', microphone: true, camera: true },
    });
    expect(observer.received).toHaveBeenCalledExactlyOnceWith({
      event: 'partner_found',
      data: { room_id: 'r', microphone: true, camera: true },
    });
  });

  test.each([
    ['an event that it does not know', '{"event": "tomorrow"}'],
    ['a name that every object has', '{"event": "toString"}'],
    ['a frame that is not JSON', '{'],
    ['a frame that is not an object', 'null'],
    ['a binary frame', new ArrayBuffer(2)],
  ])('passes over %s', (_, frame) => {
    connect();
    FakeWebSocket.last.receiveFrame(frame);
    expect(observer.received).not.toHaveBeenCalled();
  });
});

describe('a lost socket', () => {
  test.each([
    [1000, 'ended'],
    [1006, 'closed'],
    [1008, 'flooded'],
    [1009, 'closed'],
    [1001, 'server_stopping'],
    [1013, 'server_full'],
    [4000, 'too_slow'],
    [4001, 'superseded'],
  ])('closed with %i is reported as %s', (code, loss) => {
    connect();
    FakeWebSocket.last.drop(code);
    expect(observer.lost).toHaveBeenCalledExactlyOnceWith(loss);
  });

  test('is not reported when the page itself closed it', () => {
    connect().close();
    expect(FakeWebSocket.last.closedWith).toBe(1000);
    expect(observer.lost).not.toHaveBeenCalled();
  });
});

describe('an abandoned socket', () => {
  test('that is open is left to the relay to close', () => {
    const signalling = connect();
    FakeWebSocket.last.open();
    signalling.abandon();
    expect(FakeWebSocket.last.closedWith).toBeNull();
    FakeWebSocket.last.receive({ event: 'waiting_for_partner', data: {} });
    FakeWebSocket.last.drop(4001);
    expect(observer.received).not.toHaveBeenCalled();
    expect(observer.lost).not.toHaveBeenCalled();
  });

  test('that is not open yet never will be', () => {
    connect().abandon();
    expect(FakeWebSocket.last.readyState).toBe(FakeWebSocket.CLOSED);
    expect(observer.lost).not.toHaveBeenCalled();
  });
});
