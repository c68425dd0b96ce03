// Owns putting the console together: one session for the life of the page, one root.

import { render } from 'preact';
import './colours.css';
import { Console } from './Console';
import { OperatorSession } from './session';

const root = document.getElementById('root');
if (root === null) throw new Error('operator.html has no #root');

const session = new OperatorSession();
render(<Console session={session} />, root);
