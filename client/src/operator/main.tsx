// Owns putting the console together: one session for the life of the page, one root.

import { render } from 'preact';
import './colours.css';
import { Console } from './Console';
import { OperatorSession } from './session';

const root = document.getElementById('root');
if (root === null) throw new Error('operator.html has no #root');

const session = new OperatorSession();
render(<Console session={session} />, root);
void session.begin(takenLink());

/** The secret part of somebody's link, which stands behind the # so that no log and no other page gets it. */
function takenLink(): string | null {
  const [, link] = /^#enrol=([\w-]+)$/.exec(location.hash) ?? [];
  if (link === undefined) return null;
  history.replaceState(null, '', location.pathname);
  return link;
}
