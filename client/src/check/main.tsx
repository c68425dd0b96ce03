// Owns putting the check together.

import { createRoot } from 'react-dom/client';
import '../ui/theme.css';
import { Check } from './Check';

const root = document.getElementById('root');
if (root === null) throw new Error('check.html has no #root');

createRoot(root).render(<Check />);
