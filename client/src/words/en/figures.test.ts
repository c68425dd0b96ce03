import { describe, expect, test } from 'vitest';
import { bitrate, bytes, count, delay, duration, share } from './figures';

describe('figures read well', () => {
  test.each([
    [bitrate(0), '0 bit/s'],
    [bitrate(1_234_567), '1.2 Mbit/s'],
    [bitrate(250_000_000), '250 Mbit/s'],
    [bytes(1_048_576), '1.0 MiB'],
    [share(0.256), '26 %'],
    [share(0.012), '1.2 %'],
    [delay(0), '0 ms'],
    [delay(0.0012), '1.2 ms'],
    [delay(2.5), '2.5 s'],
    [duration(59), '59 s'],
    [duration(61), '1 min 01 s'],
    [duration(3725), '1 h 2 min'],
    [duration(90_000), '1 d 1 h'],
    [count(1234), '1,234'],
    [count(0.25), '0.3'],
  ])('%s', (written, expected) => expect(written).toBe(expected));
});
