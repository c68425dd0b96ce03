// Owns putting the page together: one conversation for the life of the page, one React root. The build has
// put the first screen into index.html (first_screen.tsx), and the page goes on from what is painted.

import { StrictMode } from 'react';
import { createRoot, hydrateRoot } from 'react-dom/client';
import { Conversation } from './core/conversation';
import { relayUrl } from './core/signalling';
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
const page = (
  <StrictMode>
    <Crash>
      <App conversation={conversation} preferences={preferences} />
    </Crash>
  </StrictMode>
);
// The development server puts nothing there.
if (root.hasChildNodes()) hydrateRoot(root, page);
else createRoot(root).render(page);
preferences.follow(conversation);
callForAttention(conversation, preferences.sound);
coverUnlessLookedAt(conversation);
conversation.open();
