import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { FirstFrame, QualityReport } from '../protocol';
import { Experience, REPORT_SECONDS } from './experience';

const stats = { timestamp: 0, packetsReceived: 0, framesDecoded: 0, freezeCount: 0 };
const firsts: FirstFrame['data'][] = [];
const reports: QualityReport['data'][] = [];
let heardAt: number | null;
let connected: boolean;
let experience: Experience;

const PEER = {
  stats: async () =>
    new Map([
      ['video', { id: 'video', type: 'inbound-rtp', kind: 'video', ...stats }],
    ]) as unknown as RTCStatsReport,
  lastHeard: () => heardAt,
};

/** So much comes in while time passes. */
async function pass(seconds: number, frames = 30 * seconds): Promise<void> {
  stats.timestamp += seconds * 1000;
  stats.framesDecoded += frames;
  stats.packetsReceived += 50 * seconds;
  await vi.advanceTimersByTimeAsync(seconds * 1000);
}

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  vi.stubGlobal('performance', { timeOrigin: 0, now: () => Date.now() });
  Object.assign(stats, { timestamp: 0, packetsReceived: 0, framesDecoded: 0, freezeCount: 0 });
  firsts.length = 0;
  reports.length = 0;
  heardAt = null;
  connected = true;
  experience = new Experience('room', () => (connected ? PEER : null), {
    seenOrHeard: (first) => firsts.push(first),
    measured: (report) => reports.push(report),
  });
});
afterEach(() => {
  experience.close();
  vi.useRealTimers();
});

describe('the first frame', () => {
  test('is told once, with the time since the partner was found', async () => {
    experience.expect('picture');
    await pass(0.064);
    experience.painted(true);
    experience.painted(true);
    expect(firsts).toEqual([{ room_id: 'room', medium: 'picture', seconds: 0.064 }]);
  });

  test('of a page that nobody looked at tells nothing', () => {
    experience.expect('picture');
    experience.painted(false);
    experience.painted(true);
    expect(firsts).toEqual([]);
  });
});

describe('the first sound', () => {
  test('is told where there is no picture, and a former partner’s is not', async () => {
    heardAt = 999_990;
    experience.expect('sound');
    await pass(0.1);
    expect(firsts).toEqual([]);
    heardAt = 1_000_120;
    await pass(0.1);
    await pass(1);
    expect(firsts).toEqual([{ room_id: 'room', medium: 'sound', seconds: 0.12 }]);
  });

  test('is not listened for where a picture is to come', async () => {
    heardAt = 1_000_010;
    experience.expect('picture');
    await pass(1);
    expect(firsts).toEqual([]);
  });
});

describe('reports', () => {
  test('come every ten seconds', async () => {
    experience.expect('picture');
    experience.painted(true);
    await pass(REPORT_SECONDS);
    await pass(REPORT_SECONDS, 100);
    expect(reports.map(({ frames_per_second }) => frames_per_second)).toEqual([30, 10]);
    expect(reports[0]).toMatchObject({ room_id: 'room', seconds: 10 });
  });

  test('take no gap before a first frame for a freeze', async () => {
    experience.expect('picture');
    await pass(3);
    stats.freezeCount = 1; // by the browser, for the time since the partner before
    experience.painted(true);
    await pass(7);
    expect(reports).toMatchObject([{ seconds: 7, freezes: 0 }]);
  });

  test('begin anew when a camera was off', async () => {
    experience.expect('picture');
    experience.painted(true);
    await pass(4);
    experience.expect('sound');
    await pass(2, 0);
    experience.expect('picture');
    experience.painted(true);
    await pass(4);
    expect(reports).toMatchObject([{ seconds: 4, frames_per_second: 30 }]);
    expect(firsts).toHaveLength(1);
  });

  test('begin when there is a connection', async () => {
    connected = false;
    experience.expect('picture');
    await pass(REPORT_SECONDS);
    connected = true;
    await pass(REPORT_SECONDS);
    await pass(REPORT_SECONDS);
    expect(reports).toHaveLength(1);
  });

  test('end with the conversation', async () => {
    experience.expect('sound');
    experience.close();
    heardAt = 1_000_100;
    await pass(3 * REPORT_SECONDS);
    expect([reports, firsts]).toEqual([[], []]);
  });
});
