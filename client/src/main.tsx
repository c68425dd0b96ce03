// Owns putting the page together: one conversation for the life of the page, one React root.

import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Conversation } from './core/conversation';
import { relayUrl } from './core/signalling';
import { App } from './ui/App';
import { Crash } from './ui/Crash';
import './ui/theme.css';

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');

const conversation = new Conversation(relayUrl(window.location));
createRoot(root).render(
  <StrictMode>
    <Crash>
      <App conversation={conversation} />
    </Crash>
  </StrictMode>,
);
conversation.open();
