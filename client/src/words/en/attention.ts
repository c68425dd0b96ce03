// The title of a page that nobody looks at.

import { name } from './page';

export const nothingMissed = name;
export const searching = `Searching… · ${name}`;
export const someoneIsHere = `● Someone is here · ${name}`;

export function newMessages(count: number): string {
  return `(${count}) New ${count === 1 ? 'message' : 'messages'} · ${name}`;
}
