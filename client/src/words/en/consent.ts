// What people are asked before they meet somebody, and what is said to those whom this is not for.

export const first = 'First, the rules';
export const changed = 'The rules have changed';
export const changedHint = 'You agreed to earlier ones. Please read them again.';
export const lead = 'You are about to meet strangers. Please read this before you do.';

/** The part that scrolls. */
export const text = 'The rules';

export function ofAge(minimumAge: number): string {
  return `I am ${minimumAge} or older`;
}

export const agree = 'I agree';
export const sending = 'One moment…';

export function decline(minimumAge: number): string {
  return minimumAge === 0 ? 'I don’t agree' : 'I am younger, or I don’t agree';
}

export function tickFirst(minimumAge: number): string {
  return `To go on, tick that you are ${minimumAge} or older.`;
}

export const trouble = {
  unsent: 'The server did not take your answer. Check your network, and try again.',
  forgotten:
    'Your browser did not keep your answer. Allow this site to set cookies, and agree again.',
};

/** What remembers it. */
export const cookie = 'If you agree, a cookie remembers it for 30 days.';

export const declined = 'Then this is not for you';

export function declinedWhy(minimumAge: number): string {
  return minimumAge === 0
    ? 'Only people who agree to the rules meet others here.'
    : `Only people who are ${minimumAge} or older, and who agree to the rules, meet others here.`;
}

export const declinedKept =
  'Nothing about you was kept: no cookie, no entry, no picture. Your camera and microphone are off.';
export const declinedClose = 'You can close this page.';
