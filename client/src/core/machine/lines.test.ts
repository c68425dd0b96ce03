import { expect, test } from 'vitest';
import { PARTNER, rolesOf } from './lines';

test('what is sent, and what comes from the partner, has a word in the protocol', () => {
  expect(
    rolesOf({
      a: { medium: 'microphone' },
      b: { medium: 'camera' },
      c: { medium: 'screen' },
      d: { seat: PARTNER, medium: 'microphone' },
      e: { seat: PARTNER, medium: 'camera' },
      f: { seat: PARTNER, medium: 'screen' },
    }),
  ).toEqual({
    a: 'microphone',
    b: 'camera',
    c: 'screen',
    d: 'partner_microphone',
    e: 'partner_camera',
    f: 'partner_screen',
  });
});

test('a seat that the protocol has no word for is not taken for the partner’s', () => {
  expect(rolesOf({ a: { medium: 'camera' }, b: { seat: 1, medium: 'camera' } })).toEqual({
    a: 'camera',
  });
});
