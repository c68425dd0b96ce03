import { expect, test } from 'vitest';
import { newMessageId } from './message_id';

test('a name fits what the relay takes, and is never the same', () => {
  const ids = Array.from({ length: 100 }, newMessageId);
  for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9-]{1,36}$/);
  expect(new Set(ids).size).toBe(100);
});
