// Owns the page as it is painted before any script runs. The build puts it into index.html (finish.js),
// so that the first paint waits for one style sheet and for nothing else.

import { renderToString } from 'preact-render-to-string';
import { App } from './ui/App';
import { NO_ACCOUNTS } from './ui/accounts';

export function firstScreen(): string {
  return renderToString(
    <App conversation={NOBODY} preferences={NOTHING_REMEMBERED} account={NOBODY_ASKED} />,
  );
}

/** Asked for nothing: what is painted first is the page's own. */
const NOBODY = {
  snapshot: () => {
    throw new Error('There is no conversation before there is a page.');
  },
  subscribe: () => () => undefined,
  act: () => undefined,
  painted: () => undefined,
  loudness: () => 0,
  showIn: () => undefined,
};

const NOTHING_REMEMBERED = {
  sound: () => true,
  subscribe: () => () => undefined,
  choose: () => undefined,
};

const NOBODY_ASKED = {
  state: () => NO_ACCOUNTS,
  subscribe: () => () => undefined,
  show: () => undefined,
  signIn: () => undefined,
  makePasskey: () => undefined,
  goToProvider: () => undefined,
  rename: () => undefined,
  signOut: () => undefined,
  remove: () => undefined,
};
