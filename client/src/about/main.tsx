// Owns putting the pages at /rules and /privacy together: one script for both, as most of it is what they have in common.

import { render } from 'preact';
import './page.css';
import { Privacy } from './Privacy';
import { Rules } from './Rules';

const root = document.getElementById('root');
if (root === null) throw new Error('The page has no #root');

render(root.dataset.page === 'rules' ? <Rules /> : <Privacy />, root);
