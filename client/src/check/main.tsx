// Owns putting the check together.

import { createRoot } from 'react-dom/client';
import { Check } from './Check';
import './page.css';

const root = document.getElementById('root');
if (root === null) throw new Error('check.html has no #root');

createRoot(root).render(<Check />);
