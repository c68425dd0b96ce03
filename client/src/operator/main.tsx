// Owns putting the console together: one watch for the life of the page, one React root.

import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import './colours.css';
import { Console } from './Console';
import { Watch } from './watch';

const root = document.getElementById('root');
if (root === null) throw new Error('operator.html has no #root');

const watch = new Watch();
createRoot(root).render(
  <StrictMode>
    <Console watch={watch} />
  </StrictMode>,
);
