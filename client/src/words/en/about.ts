// The pages at /rules and /privacy, and the links to them. What stands here must be true of the server: what is kept is
// changed here, too.

import { name } from './page';

export const back = 'To the video chat';

export const loading = 'One moment…';
export const unreachable =
  'The server does not answer. Check your network, then load this page again.';

/** What this place is called. */
export function place(site: string | null): string {
  return site ?? name;
}

export const rulesTitle = 'The rules';

export function rulesLead(minimumAge: number): string {
  return minimumAge === 0
    ? 'Everybody agrees to them before they meet somebody here.'
    : `Everybody agrees to them before they meet somebody here, and says that they are ${minimumAge} or older.`;
}

export function version(rules: string): string {
  return `Version ${rules}`;
}

export const privacyTitle = 'What happens to what you share';
export const privacyLead =
  'In short: you are shown to your partner through this server, nothing of that is recorded, and your partner never learns your network address.';

export const through = {
  title: 'What passes through the server',
  text: [
    'Your picture, your sound and what you write go to this server, and from it to your partner. There is no way from browser to browser.',
    'It is encrypted on both ways. In between the server decrypts it in its memory, to pass it on to your partner. It records none of it: pictures, sound and chat are gone when they have been passed on.',
    'So you have to trust who runs this server: they could change it to look.',
  ],
};

export const keptChats =
  'A chat is kept only from when you both wish so, for as long as you both were told. Either of you can erase it.';

export const partner = {
  title: 'What your partner learns',
  text: [
    'What you show, say and write. Not your network address, not your name, and nothing about you that you do not tell.',
    'They can record their own screen, as anybody can. We cannot prevent it.',
  ],
};

export const operator = {
  title: 'What the operator sees',
  text: [
    'How many people are here, which rooms there are, since when and in which mode, and how well connections work. Not what is shown, said or written.',
    'The server sees your network address while you are connected, as every server does, and limits how much one address may do. Its log holds no address: a code that means nothing elsewhere stands in its place.',
  ],
};

export function turn(hosts: readonly string[]): string {
  return `Where your network lets nothing else through, your encrypted picture and sound take the way over ${list(hosts)}, which sees your address as well.`;
}

export const kept = {
  title: 'What is kept, and for how long',
  nothing: 'Nothing is written down of visits and conversations.',
  what: 'What',
  howLong: 'How long',
  notKept: 'not kept',
  media: 'Picture and sound',
  chats: 'What you write',
  chatsOfBoth: 'What you write, if you both want it kept',
  visits:
    'That somebody came and talked: when, how long, with which kind of browser. Without address and name',
  sums: 'Sums for each hour, such as how many people came',
  cookie: 'The cookie in your browser, counted from your last visit',
  account:
    'Your account, if you make one: what you chose, which rules you agreed to, a nickname, and the public half of your passkeys',
  untilDeleted: 'until you delete it',
  choices: 'What you chose last (mode, devices, sound), in your browser alone',
  untilCleared: 'until you clear it',
};

export function days(count: number): string {
  if (count === 1) return '1 day';
  return count >= 365 && count % 365 === 0 ? years(count / 365) : `${count} days`;
}

function years(count: number): string {
  return count === 1 ? '1 year' : `${count} years`;
}

export const cookies = {
  title: 'Cookies',
  one: 'One cookie is set when you agree to the rules, and not before. It holds a random number, which rules you agreed to, that you are of age, and the day of your last visit. The server keeps no list of these numbers, and nobody else gets to read it.',
  none: 'This place sets no cookies for visitors.',
  account:
    'Who signs in gets another one for 30 days, which says which account is theirs and ends with signing out.',
  others: 'There is no advertising, and no program of others that watches you.',
  forget: 'Forget me',
  forgetting: 'One moment…',
  forgotten: 'Forgotten. The cookie is gone, and you will be asked again before you meet somebody.',
  failed: 'The server did not answer, and the cookie is still there. Try again.',
};

export const mine = {
  title: 'What is kept of you',
  nobody: 'Your browser has no cookie from here, so nothing that is kept leads to you.',
  code: 'Your code here:',
  whatFor:
    'It leads to nobody. Tell it to the operator if you want to know more, or to have everything erased.',
  nothing: 'Nothing is kept under this code.',
  chats: (count: number) =>
    count === 1
      ? 'One chat that you and a partner kept.'
      : `${count} chats that you and a partner kept.`,
  save: 'Save all of it',
  erase: 'Erase all of it',
  forBoth: 'Chats are gone for your partners, too.',
  really: 'Yes, erase it',
  keep: 'Keep it',
  erased: 'Erased: nothing is kept of you any more.',
  failed: 'The server could not erase it. Everything is still there. Try again.',
};

export const whom = {
  title: 'Who runs this place',
  nobody: 'The operator has not said who they are.',
  contact: 'Contact',
  imprint: 'Imprint',
};

function list(names: readonly string[]): string {
  const last = names.at(-1) ?? '';
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} or ${last}`;
}
