import { describe, expect, test } from 'vitest';
import { between, type Reading, read } from './quality';

function report(...entries: readonly Record<string, unknown>[]): RTCStatsReport {
  const named = entries.map((entry, index) => ({ id: `${index}`, timestamp: 5000, ...entry }));
  return new Map(named.map((entry) => [entry.id, entry])) as unknown as RTCStatsReport;
}

const SOUND = { type: 'inbound-rtp', kind: 'audio', packetsReceived: 500, packetsLost: 10 };
const PICTURE = {
  type: 'inbound-rtp',
  kind: 'video',
  packetsReceived: 1000,
  packetsLost: 40,
  framesDecoded: 300,
  freezeCount: 2,
  totalFreezesDuration: 0.7,
  frameWidth: 640,
  frameHeight: 480,
};
/** Of a screen that nobody shares. */
const IDLE = { type: 'inbound-rtp', kind: 'video', packetsReceived: 0, packetsLost: 0 };
const SENT = { type: 'outbound-rtp', kind: 'video', packetsSent: 7, packetsReceived: 99 };
const PATH = [
  { type: 'transport', selectedCandidatePairId: 'pair' },
  { id: 'pair', type: 'candidate-pair', localCandidateId: 'local', currentRoundTripTime: 0.05 },
  { id: 'local', type: 'local-candidate', candidateType: 'host', protocol: 'udp' },
] as const;

const BEFORE = read(report(SOUND, PICTURE, IDLE, SENT, ...PATH));

function later(changes: Partial<Reading>): Reading {
  return { ...BEFORE, at: BEFORE.at + 10_000, ...changes };
}

describe('the statistics', () => {
  test('are of what comes in, picture and sound together', () => {
    expect(BEFORE).toMatchObject({ at: 5000, received: 1500, lost: 50, decoded: 300 });
    expect(BEFORE).toMatchObject({ freezes: 2, frozenSeconds: 0.7, width: 640, height: 480 });
    expect(BEFORE).toMatchObject({ roundTrip: 0.05, path: { type: 'host', protocol: 'udp' } });
  });

  test('may lack what a browser does not count', () => {
    const { freezeCount: _count, totalFreezesDuration: _duration, ...plain } = PICTURE;
    expect(read(report(SOUND, plain))).toMatchObject({ freezes: null, frozenSeconds: null });
    expect(read(report())).toMatchObject({ at: 0, received: 0, roundTrip: null, path: null });
  });
});

describe('a conversation between two looks', () => {
  const after = later({
    received: 2470,
    lost: 80,
    decoded: 595,
    freezes: 3,
    frozenSeconds: 1.1,
    roundTrip: 0.08,
  });

  test('is what was added', () => {
    expect(between(BEFORE, after, 'there')).toEqual({
      seconds: 10,
      frames_per_second: 29.5,
      freezes: 1,
      frozen_seconds: 0.4,
      width: 640,
      height: 480,
      loss: 0.03,
      round_trip: 0.08,
      path: { type: 'host', protocol: 'udp', relay_protocol: null },
    });
  });

  test('is told to a ten-thousandth', () => {
    const odd = later({ at: BEFORE.at + 7_000, received: 1502, lost: 51, decoded: 301 });
    const told = between(BEFORE, { ...odd, frozenSeconds: 1.000_06, roundTrip: 0.123_45 }, 'there');
    expect(told).toMatchObject({ frames_per_second: 0.1429, loss: 0.3333, frozen_seconds: 0.3001 });
    expect(told?.round_trip).toBe(0.1235);
  });

  test('whose first frame is awaited shows how few came, and no freeze', () => {
    const awaited = between(BEFORE, later({ received: 1600, freezes: 3 }), 'awaited');
    expect(awaited).toMatchObject({ frames_per_second: 0, freezes: null, width: null, loss: 0 });
  });

  test('without a picture is judged by its sound', () => {
    const heard = between(BEFORE, after, 'none');
    expect(heard).toMatchObject({ frames_per_second: null, freezes: null, height: null });
    expect(heard?.loss).toBe(0.03);
  });

  test.each([
    ['nothing came', { received: 1500 }, null],
    ['late packets came after all', { received: 1600, lost: 45 }, 0],
    ['nothing but losses is known', { lost: 60 }, 1],
  ])('where %s', (_, changes, loss) => {
    expect(between(BEFORE, later(changes), 'there')?.loss).toBe(loss);
  });

  test('never oversteps what the relay takes', () => {
    const wild = later({ at: 1e9, decoded: 1e12, freezes: 5000, width: 99_999, roundTrip: 600 });
    expect(between(BEFORE, wild, 'there')).toMatchObject({
      seconds: 3600,
      frames_per_second: 240,
      freezes: 1000,
      width: 16_384,
      round_trip: 60,
    });
  });

  test.each([
    ['the connection is another', later({ received: 3 })],
    ['the decoder is another', later({ decoded: 3 })],
    ['no time has passed', { ...BEFORE }],
  ])('cannot be told where %s', (_, other) => {
    expect(between(BEFORE, other, 'there')).toBeNull();
  });
});
