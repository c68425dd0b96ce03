// Owns putting the console together: one watch for the life of the page, one root.

import { render } from 'preact';
import './colours.css';
import { Console } from './Console';
import { Watch } from './watch';

const root = document.getElementById('root');
if (root === null) throw new Error('operator.html has no #root');

const watch = new Watch();
render(<Console watch={watch} />, root);
