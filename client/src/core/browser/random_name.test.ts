import { expect, test } from 'vitest';
import { randomName } from './random_name';

test('a name fits what the relay takes, and is never the same', () => {
  const names = Array.from({ length: 100 }, randomName);
  for (const name of names) expect(name).toMatch(/^[A-Za-z0-9-]{1,36}$/);
  expect(new Set(names).size).toBe(100);
});
