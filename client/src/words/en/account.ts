// What is said of accounts, where there are any.

export const signIn = 'Sign in';
export const account = 'Account';
export const yours = 'Your account';

export const whyOptional =
  'You need no account to meet people. With one, what you choose on this page and have agreed to is the same on all your devices.';
export const whyRequired = 'Here people sign in before they meet somebody.';

export const byPasskey = 'Sign in with a passkey';
export const newPasskey = 'I am new: make a passkey';
export const anotherPasskey = 'Add a passkey';
export const byProvider = (name: string) => `Sign in with ${name}`;

export const nickname = 'Nickname';
export const nicknameIsFor = 'Nobody you meet sees it.';
export const save = 'Save';
export const saved = 'Saved.';

export const export_ = 'Download what is kept';
export const signOut = 'Sign out';
export const remove = 'Delete account';
export const reallyRemove = 'Really delete it, on all devices?';
export const yes = 'Delete';
export const no = 'Keep it';
export const close = 'Close';

export function browsers(count: number): string {
  return count === 1 ? 'Signed in on this browser.' : `Signed in on ${count} browsers.`;
}

export const added = 'The passkey was added.';

/** By the code of what was refused. */
export const troubles = {
  cancelled: 'No passkey was used. Try once more when you like.',
  passkey_refused:
    'This passkey was not accepted. Was it made for another place, or its account deleted?',
  sign_in_failed:
    'Signing in did not work: what came back was not an answer to what was asked. Try once more.',
  sign_in_refused: 'You were not signed in there.',
  not_allowed: 'Your account there does not have what is needed here.',
  provider_away: 'Signing in there does not work at the moment. Try again later.',
  rate_limited: 'That was too often. Wait a minute, then try again.',
  signed_out: 'You are not signed in any more.',
  invalid_message: 'A nickname has at most 40 characters.',
  other: 'That did not work. Try again later.',
};
