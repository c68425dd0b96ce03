import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ALIVE_LOOKS, LOOKING_MILLISECONDS, MediaSilence, SILENT_LOOKS } from './media_silence';

describe('the silence of a media connection', () => {
  let bytes = 0;
  let sent = 0;
  let discarded = 0;
  let stopped = 0;
  let silence: MediaSilence;

  function statistics(): RTCStatsReport {
    return new Map<string, unknown>([
      ['transport', { id: 'transport', type: 'transport', selectedCandidatePairId: 'pair' }],
      [
        'pair',
        {
          id: 'pair',
          type: 'candidate-pair',
          bytesReceived: bytes,
          bytesSent: sent,
          bytesDiscardedOnSend: discarded,
        },
      ],
    ]) as unknown as RTCStatsReport;
  }

  async function looks(count: number, each: number): Promise<void> {
    for (let look = 0; look < count; look += 1) {
      bytes += each;
      await vi.advanceTimersByTimeAsync(LOOKING_MILLISECONDS);
    }
  }

  beforeEach(() => {
    vi.useFakeTimers();
    bytes = 0;
    sent = 0;
    discarded = 0;
    stopped = 0;
    silence = new MediaSilence(
      () => ({ stats: () => Promise.resolve(statistics()) }),
      () => {
        stopped += 1;
      },
    );
  });

  afterEach(() => {
    silence.close();
    vi.useRealTimers();
  });

  test('is told once, when nothing came for some looks', async () => {
    await looks(ALIVE_LOOKS, 1_000);
    await looks(SILENT_LOOKS - 1, 0);
    expect(stopped).toBe(0);
    await looks(1, 0);
    expect(stopped).toBe(1);
    await looks(20, 0);
    expect(stopped).toBe(1);
  });

  test('is more than one look without anything', async () => {
    await looks(ALIVE_LOOKS, 1_000);
    for (let time = 0; time < 5; time += 1) {
      await looks(SILENT_LOOKS - 1, 0);
      await looks(1, 1_000);
    }
    expect(stopped).toBe(0);
  });

  test('is not told where little comes, such as answers to checks', async () => {
    for (let time = 0; time < 5; time += 1) {
      await looks(1, 100);
      await looks(8, 0);
    }
    expect(stopped).toBe(0);
  });

  test('may be told again after something came, also on a pair that counts anew', async () => {
    await looks(ALIVE_LOOKS, 1_000);
    await looks(SILENT_LOOKS, 0);
    bytes = 10;
    await looks(ALIVE_LOOKS + 1, 1);
    await looks(SILENT_LOOKS, 0);
    expect(stopped).toBe(2);
  });

  test.each([
    ['sent', () => (sent += 1_000)],
    ['refused by a socket whose address is gone', () => (discarded += 1_000)],
  ])('from the beginning is told as well, as long as something is %s', async (_, send) => {
    await looks(1, 1_000);
    for (let look = 0; look < SILENT_LOOKS; look += 1) {
      expect(stopped).toBe(0);
      send();
      await looks(1, 0);
    }
    expect(stopped).toBe(1);
    for (let look = 0; look < 20; look += 1) {
      send();
      await looks(1, 0);
    }
    // A relay that acknowledges nothing is doubted once.
    expect(stopped).toBe(1);
  });

  test('is not told after the watch was closed', async () => {
    await looks(ALIVE_LOOKS, 1_000);
    silence.close();
    await looks(20, 0);
    expect(stopped).toBe(0);
  });
});
