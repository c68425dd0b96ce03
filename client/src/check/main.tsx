// Owns putting the check together.

import { render } from 'preact';
import { Check } from './Check';
import './page.css';

const root = document.getElementById('root');
if (root === null) throw new Error('check.html has no #root');

render(<Check />, root);
