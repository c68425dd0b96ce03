import { beforeEach, describe, expect, test, vi } from 'vitest';
import {
  FakePeerConnection,
  FakeTrack,
  stubMediaGlobals,
} from '../../testing/fake_peer_connection';
import type { Seat } from '../machine/lines';
import { Peer } from './peer';

const observer = { offered: vi.fn(), gathered: vi.fn(), changed: vi.fn() };

function open(seats?: readonly Seat[]): Peer {
  return new Peer([{ urls: ['turn:relay.test'], username: 'u', credential: 'c' }], observer, seats);
}

function idsIn(received: ReadonlyMap<Seat, MediaStream>): [Seat, string[]][] {
  return [...received].map(([seat, stream]) => [seat, stream.getTracks().map(({ id }) => id)]);
}

beforeEach(() => {
  stubMediaGlobals();
  for (const told of Object.values(observer)) told.mockReset();
});

describe('the lines', () => {
  test('are six, three that send before three that receive', () => {
    open();
    const lines = FakePeerConnection.last.transceivers.map(
      ({ init, receiver }) => `${init.direction} ${receiver.track.kind}`,
    );
    expect(lines).toEqual([
      'sendonly audio',
      'sendonly video',
      'sendonly video',
      'recvonly audio',
      'recvonly video',
      'recvonly video',
    ]);
  });

  test('of microphone and camera are one stream, and the camera has a ceiling', () => {
    open();
    const [microphone, camera] = FakePeerConnection.last.transceivers;
    expect(microphone?.init.streams).toHaveLength(1);
    expect(camera?.init.streams?.[0]).toBe(microphone?.init.streams?.[0]);
    expect(camera?.init.sendEncodings).toEqual([{ maxBitrate: 1_500_000 }]);
  });

  test('share one transport and use the ICE servers that they were given', () => {
    open();
    expect(FakePeerConnection.last.configuration).toEqual({
      bundlePolicy: 'max-bundle',
      iceServers: [{ urls: ['turn:relay.test'], username: 'u', credential: 'c' }],
    });
  });

  test('of the partner’s microphone and camera play as one stream', () => {
    expect(idsIn(open().received)).toEqual([[0, ['received-3', 'received-4']]]);
  });

  test('are the same, and the slots are those of each seat, where there are several', () => {
    const { received } = open([0, 1, 2]);
    const { transceivers } = FakePeerConnection.last;
    expect(transceivers.map(({ init }) => init.direction)).toEqual([
      ...Array(3).fill('sendonly'),
      ...Array(9).fill('recvonly'),
    ]);
    expect(idsIn(received)).toEqual([
      [0, ['received-3', 'received-4']],
      [1, ['received-6', 'received-7']],
      [2, ['received-9', 'received-10']],
    ]);
  });
});

describe('the offer', () => {
  test('says what each mid carries', async () => {
    await open().offer();
    expect(observer.offered).toHaveBeenCalledExactlyOnceWith('the offer', {
      'mid-0': { medium: 'microphone' },
      'mid-1': { medium: 'camera' },
      'mid-2': { medium: 'screen' },
      'mid-3': { seat: 0, medium: 'microphone' },
      'mid-4': { seat: 0, medium: 'camera' },
      'mid-5': { seat: 0, medium: 'screen' },
    });
  });

  test('says whose slot it is, where there are several seats', async () => {
    await open([0, 1]).offer();
    expect(observer.offered.mock.lastCall?.[1]).toMatchObject({
      'mid-5': { seat: 0, medium: 'screen' },
      'mid-6': { seat: 1, medium: 'microphone' },
      'mid-7': { seat: 1, medium: 'camera' },
      'mid-8': { seat: 1, medium: 'screen' },
    });
  });

  test('carries only codecs that the relay forwards', async () => {
    await open().offer();
    const preferred = FakePeerConnection.last.transceivers.map((line) =>
      line.preferred.map((codec) => codec.mimeType),
    );
    const video = ['video/VP8', 'video/rtx'];
    expect(preferred).toEqual([['audio/opus'], video, video, ['audio/opus'], video, video]);
  });

  test('of a restart has new ICE credentials and the same lines', async () => {
    const peer = open();
    await peer.offer();
    await peer.restart();
    const [[, lines], again] = observer.offered.mock.calls as [[string, object], unknown];
    expect(again).toEqual(['the offer 2', lines]);
    expect(FakePeerConnection.made).toHaveLength(1);
  });

  test('is answered', async () => {
    await open().accept('the answer');
    expect(FakePeerConnection.last.remoteDescription).toEqual({
      type: 'answer',
      sdp: 'the answer',
    });
  });

  test('whose answer the browser refuses fails the connection', async () => {
    await open().accept('nonsense');
    expect(observer.changed).toHaveBeenCalledExactlyOnceWith('failed');
  });
});

describe('sending', () => {
  const SILENCE = [null, null, null, null, null, null];

  function track(id: string): MediaStreamTrack {
    return new FakeTrack('any', id) as unknown as MediaStreamTrack;
  }

  test('has not begun when the offer is made', async () => {
    await open().offer();
    expect(FakePeerConnection.last.sending()).toEqual(SILENCE);
  });

  test('puts microphone and camera on their own lines, and takes them off again', async () => {
    const peer = open();
    await peer.send({ microphone: track('my-microphone'), camera: track('my-camera') });
    expect(FakePeerConnection.last.sending()).toEqual([
      'my-microphone',
      'my-camera',
      null,
      null,
      null,
      null,
    ]);
    await peer.send({ microphone: null, camera: null });
    expect(FakePeerConnection.last.sending()).toEqual(SILENCE);
  });

  test('can go on without one of the two', async () => {
    const peer = open();
    await peer.send({ microphone: track('my-microphone'), camera: null });
    expect(FakePeerConnection.last.sending().slice(0, 2)).toEqual(['my-microphone', null]);
  });
});

describe('the partner’s sound', () => {
  const MICROPHONE = 3;

  function hears(...sources: Partial<RTCRtpSynchronizationSource>[]): Peer {
    const peer = open();
    const { transceivers } = FakePeerConnection.last;
    for (const { receiver } of transceivers) receiver.sources = [{ audioLevel: 1, timestamp: 9e9 }];
    const line = transceivers[MICROPHONE];
    if (line !== undefined) line.receiver.sources = sources;
    return peer;
  }

  test('is as loud as the loudest that comes, as its packets say', () => {
    const peer = hears({ audioLevel: 0.25 }, { audioLevel: 0.5 }, { audioLevel: 0.125 });
    expect(peer.loudness(0)).toBe(0.5);
  });

  test('is silent where nothing comes, and where the packets say nothing of it', () => {
    expect(hears().loudness(0)).toBe(0);
    expect(hears({ timestamp: 5 }).loudness(0)).toBe(0);
  });

  test('was last played when the latest of it was', () => {
    expect(
      hears({ timestamp: 1_000 }, { timestamp: 3_000 }, { timestamp: 2_000 }).lastHeard(),
    ).toBe(3_000);
    expect(hears().lastHeard()).toBeNull();
  });

  test('is that of their seat, and all of them are silenced together', () => {
    const peer = open([0, 1]);
    const [first, second] = FakePeerConnection.last.transceivers.filter(
      ({ init, receiver }) => init.direction === 'recvonly' && receiver.track.kind === 'audio',
    );
    if (first === undefined || second === undefined) throw new Error('two are to be heard');
    second.receiver.sources = [{ audioLevel: 0.5, timestamp: 2_000 }];
    expect([0, 1, 2].map((seat) => peer.loudness(seat))).toEqual([0, 0.5, 0]);
    expect(peer.lastHeard()).toBe(2_000);
    peer.hear(false);
    expect([first, second].map(({ receiver }) => receiver.track.enabled)).toEqual([false, false]);
  });
});

describe('a section that the relay refused', () => {
  test('leaves the other lines as they are, and is offered no more', async () => {
    const peer = open();
    await peer.offer();
    FakePeerConnection.last.transceivers[1]?.stop();
    const given = (id: string) => new FakeTrack('any', id) as unknown as MediaStreamTrack;
    await peer.send({ microphone: given('my-microphone'), camera: given('my-camera') });
    expect(FakePeerConnection.last.sending().slice(0, 2)).toEqual(['my-microphone', null]);
    await peer.restart();
    expect(Object.values(observer.offered.mock.lastCall?.[1])).toEqual([
      { medium: 'microphone' },
      { medium: 'screen' },
      { seat: 0, medium: 'microphone' },
      { seat: 0, medium: 'camera' },
      { seat: 0, medium: 'screen' },
    ]);
    expect(observer.changed).not.toHaveBeenCalled();
  });
});

describe('a probe', () => {
  const ANSWER = 'm=video\r\nb=TIAS:2500000\r\nm=video\r\nb=TIAS:2500000\r\n';
  const RAISED = ANSWER.replaceAll('2500000', '2500001');
  const camera = new FakeTrack('video', 'my-camera') as unknown as MediaStreamTrack;

  async function connected(bitrate: number | undefined): Promise<Peer> {
    const peer = open();
    await peer.offer();
    await peer.accept(ANSWER);
    await peer.send({ microphone: null, camera });
    FakePeerConnection.last.availableOutgoingBitrate = bitrate;
    return peer;
  }

  test('raises the limit in the answer by a bit, and says nothing of it', async () => {
    const peer = await connected(240_000);
    await peer.probe(true);
    expect(FakePeerConnection.last.remoteDescription).toEqual({ type: 'answer', sdp: RAISED });
    expect(FakePeerConnection.last.signalingState).toBe('stable');
    expect(observer.offered).toHaveBeenCalledOnce();
    await peer.probe(true);
    expect(FakePeerConnection.last.remoteDescription?.sdp).toContain('b=TIAS:2500002');
  });

  test('of a path that takes enough again has the camera’s whole picture shown', async () => {
    const peer = await connected(900_000);
    FakePeerConnection.last.qualityLimitationReason = 'bandwidth';
    await peer.probe(false);
    expect(FakePeerConnection.last.transceivers.flatMap(({ sender }) => sender.parameters)).toEqual(
      [],
    );
    await peer.probe(true);
    expect(FakePeerConnection.last.offers).toBe(1);
    expect(FakePeerConnection.last.transceivers.map(({ sender }) => sender.parameters)).toEqual([
      [],
      [
        { transactionId: 'one', degradationPreference: 'balanced' },
        { transactionId: 'one', degradationPreference: 'maintain-framerate' },
      ],
      [],
      [],
      [],
      [],
    ]);
  });

  test.each([
    ['enough is believed in already', 900_000],
    ['the browser does not say what it believes', undefined],
  ])('is not made where %s', async (_, bitrate) => {
    await (await connected(bitrate)).probe(true);
    expect(FakePeerConnection.last.offers).toBe(1);
    expect(FakePeerConnection.last.transceivers.flatMap(({ sender }) => sender.parameters)).toEqual(
      [],
    );
  });

  test('is not made without a picture, nor while an offer is to be answered', async () => {
    const peer = await connected(240_000);
    await peer.send({ microphone: null, camera: null });
    await peer.probe(true);
    await peer.send({ microphone: null, camera });
    await peer.restart();
    await peer.probe(true);
    expect(FakePeerConnection.last.offers).toBe(2);
  });

  test('that the browser refuses leaves the connection as it is', async () => {
    const peer = await connected(240_000);
    FakePeerConnection.last.setRemoteDescription = () => Promise.reject(new Error('no'));
    await peer.probe(true);
    expect(observer.changed).not.toHaveBeenCalled();
  });
});

describe('what the browser finds out', () => {
  test.each([
    ['connecting', 'connecting'],
    ['connected', 'connected'],
    ['disconnected', 'disconnected'],
    ['failed', 'failed'],
  ] as const)('the connection being %s is reported as %s', (state, reported) => {
    open();
    FakePeerConnection.last.become(state);
    expect(observer.changed).toHaveBeenCalledExactlyOnceWith(reported);
  });

  test('candidates are reported, and their end once', () => {
    open();
    const candidate = { candidate: 'candidate:1 1 udp 1 192.0.2.1 9 typ host', sdpMid: 'mid-0' };
    FakePeerConnection.last.gather(candidate);
    FakePeerConnection.last.gather({ candidate: '' });
    FakePeerConnection.last.gather(null);
    expect(observer.gathered.mock.calls).toEqual([[candidate], [null]]);
  });

  test('new ICE servers are for the connection there is', () => {
    open().renew([{ urls: ['turn:relay.test'], username: 'later', credential: 'c' }]);
    expect(FakePeerConnection.made).toHaveLength(1);
    expect(FakePeerConnection.last.configuration).toMatchObject({
      bundlePolicy: 'max-bundle',
      iceServers: [{ urls: ['turn:relay.test'], username: 'later', credential: 'c' }],
    });
  });

  test('statistics are the connection’s', async () => {
    expect((await open().stats()).get('from')).toBe('the connection');
  });
});

test('a closed peer reports nothing more', async () => {
  const peer = open();
  const offer = peer.offer();
  peer.close();
  peer.close();
  await offer;
  FakePeerConnection.last.become('failed');
  FakePeerConnection.last.gather(null);
  for (const told of Object.values(observer)) expect(told).not.toHaveBeenCalled();
});
