// The list of chats that two people keep.

const DATE = new Intl.DateTimeFormat('en', { dateStyle: 'long' });
const TIME = new Intl.DateTimeFormat('en', { dateStyle: 'long', timeStyle: 'short' });

export const title = 'Kept chats';
export const close = 'Close';
export const about =
  'Only you and the person you wrote with can see a chat here. If one of you erases it, it is gone for both.';
export const asking = 'One moment…';
export const failed = 'They can’t be shown now. Try again in a moment.';
export const none = 'You keep none.';
export const notErased = 'It could not be erased. Try again in a moment.';

/** Seconds since 1970. */
export function began(at: number): string {
  return TIME.format(at * 1000);
}

export function lines(count: number): string {
  return count === 1 ? '1 message' : `${count} messages`;
}

export function until(at: number): string {
  return `Kept until ${DATE.format(at * 1000)}.`;
}

export const you = 'You:';
export const partner = 'Partner:';
export const unreadable = '(can’t be read any more)';
export const save = 'Save as text';
export const erase = 'Erase for both';

export function saveNamed(name: string): string {
  return `${save}: ${name}`;
}

export function eraseNamed(name: string): string {
  return `${erase}: ${name}`;
}

export const fileName = 'chat.txt';
