import { describe, expect, test } from 'vitest';
import { isVisible, sendable, shown } from './shown_text';

test.each([
  ['nothing', ''],
  ['white space', ' \t\n\u00a0\u2028'],
  ['spaces without width', '\u200b\u2060\ufeff'],
  ['letters that are drawn as nothing', '\u3164\u115f\u1160\uffa0'],
  ['an empty Braille cell', '\u2800'],
  ['a note without a head', '\u{1d159}'],
  ['marks without a letter', '\u0301\u0301\ufe0f'],
  ['controls and overrides', '\u0000\u202e\u2066'],
  ['tags', '\u{e0041}'],
])('%s shows nothing', (_, text) => {
  expect(isVisible(text)).toBe(false);
});

test.each(['.', 'é', 'e\u0301', 'ที่', 'שׁ', '❤️', '1️⃣', '👨‍👩‍👧', '\u200bx', '\ue000'])(
  '"%s" shows',
  (text) => {
    expect(isVisible(text)).toBe(true);
  },
);

test('half of an emoji is sent as the sign for what cannot be read', () => {
  expect(sendable(' cut \ud83d ')).toBe('cut \ufffd');
  expect(sendable('whole 👋')).toBe('whole 👋');
});

describe('marks on one letter', () => {
  test('are shown up to four, and the text goes on', () => {
    expect(shown(`a${'\u0301'.repeat(720)}bc`)).toBe(`a${'\u0301'.repeat(4)}bc`);
  });

  test('are counted through joiners', () => {
    const piled = shown(`a${'\u0301\u200d'.repeat(50)}`);
    expect(piled.match(/\u0301/g)).toHaveLength(4);
  });

  test('of ordinary scripts and emoji stay as they are', () => {
    for (const text of ['Tiếng Việt', 'שָּׁלוֹם', 'นี่', 'क्षेत्र', '❤️‍🔥', '👨‍👩‍👧', 'बच्चा'])
      expect(shown(text)).toBe(text);
  });
});
