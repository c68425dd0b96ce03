// Owns putting the page together: one conversation for the life of the page, one root. The build has
// put the first screen into index.html (first_screen.tsx), and the page goes on from what is painted.

import { hydrate, render } from 'preact';
import { relayUrl } from './core/browser/signalling';
import { Conversation } from './core/conversation';
import { AccountDesk } from './ui/accounts';
import './page.css';
import { App } from './ui/App';
import { callForAttention } from './ui/attention';
import { Crash } from './ui/Crash';
import { coverUnlessLookedAt } from './ui/covered_camera';
import { Preferences } from './ui/preferences';

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');

const conversation = new Conversation(relayUrl(window.location.href));
const preferences = new Preferences();
const account = new AccountDesk(preferences);
const page = (
  <Crash>
    <App conversation={conversation} preferences={preferences} account={account} />
  </Crash>
);
// The development server puts nothing there.
if (root.hasChildNodes()) hydrate(page, root);
else render(page, root);
preferences.follow(conversation);
void account.look();
callForAttention(conversation, preferences.sound);
coverUnlessLookedAt(conversation);
conversation.open();
