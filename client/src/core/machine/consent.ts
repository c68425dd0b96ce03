// Owns the transitions of what a person agrees to before they meet somebody. No socket is opened until they did: what they
// agreed to goes with its handshake. All of it is the state of a socket that is held back.
//
//   consent     asked: needed   asked: not, or no answer   agree       sent: agreed   sent: outdated   sent: failed   decline
//   unknown     asked           (connects)                 -           -              -                -              -
//   asked       -               -                          answering   -              -                -              declined
//   answering   asked           (connects) *               -           (connects)     asks anew        asked          declined
//   declined    -               -                          -           -              -                -              -
//
// * Asked anew, and no answer: asked, with what is known.
// Where the relay does not say whether it is needed, it is not there, or an older one: the socket finds out, and the relay
// refuses to search (`consent_needed`). That also happens when the rules change while the page is open; then the session is
// given up, the person is asked, and another session goes on with what they wanted.

import type { Step } from './effects';
import { enter, LOOKING } from './pairing';
import { connect, cutOff } from './socket';
import type { Consent, Question, Session } from './state';

/** What came of sending it. */
export type Sent = 'agreed' | 'outdated' | 'failed';

const ASK = { type: 'ask_consent' } as const;

export function opened(session: Session): Step {
  return [session, [ASK]];
}

/** What the relay asks the person, if it does. Null: it said nothing. */
export function asked(session: Session, told: Question | null): Step {
  const consent = consentOf(session);
  const informed: Session = told === null ? session : { ...session, imprint: told.imprint };
  if (consent?.name === 'unknown') {
    if (told?.isNeeded !== true) return connectAgain(informed, consent.refused);
    const changed = told.hasAgreed || (session.agreedTo ?? told.rules) !== told.rules;
    // It was sent, and is not known: the browser has not kept it.
    const trouble = session.agreedTo === told.rules ? 'forgotten' : null;
    return [held(informed, { name: 'asked', question: told, changed, trouble }), []];
  }
  if (consent?.name !== 'answering') return [informed, []];
  if (told === null) return [held(session, { ...consent, name: 'asked', trouble: 'unsent' }), []];
  if (!told.isNeeded) return connect(informed);
  return [held(informed, { name: 'asked', question: told, changed: true, trouble: null }), []];
}

/** The person agrees, and is of age. */
export function agree(session: Session): Step {
  const consent = consentOf(session);
  if (consent?.name !== 'asked') return [session, []];
  const { question, changed } = consent;
  return [
    held(session, { name: 'answering', question, changed }),
    [{ type: 'give_consent', rules: question.rules }],
  ];
}

export function sent(session: Session, outcome: Sent): Step {
  const consent = consentOf(session);
  if (consent?.name !== 'answering') return [session, []];
  switch (outcome) {
    case 'agreed':
      return connect({ ...session, agreedTo: consent.question.rules });
    case 'outdated':
      return [session, [ASK]];
    case 'failed':
      return [held(session, { ...consent, name: 'asked', trouble: 'unsent' }), []];
  }
}

/** The person is too young, or does not agree. Nothing of them stays, in the browser either. */
export function decline(session: Session): Step {
  const consent = consentOf(session);
  if (consent?.name !== 'asked' && consent?.name !== 'answering') return [session, []];
  const { minimumAge } = consent.question;
  const idle = enter({ ...session, starting: false, capture: { name: 'off' } }, { name: 'idle' });
  return [
    held(idle, { name: 'declined', minimumAge }),
    [{ type: 'close_capture' }, { type: 'withdraw_consent' }],
  ];
}

/** The relay refused to search: it has other rules by now, or the browser no longer says that the person agreed. */
export function refused(session: Session): Step {
  if (session.socket.name !== 'open') return [session, []];
  const [cut, closing] = cutOff(session, 'closed');
  const wanting = cut.phase.name === 'idle' ? cut : enter(cut, LOOKING);
  return [
    held(wanting, { name: 'unknown', refused: true }),
    [...closing, { type: 'disconnect' }, ASK],
  ];
}

/** After a refusal that nobody can explain the person presses Start themselves, so that nothing goes round in circles. */
function connectAgain(session: Session, wasRefused: boolean): Step {
  return connect(wasRefused ? enter(session, { name: 'idle' }) : session);
}

function consentOf({ socket }: Session): Consent | null {
  return socket.name === 'held' ? socket.consent : null;
}

function held(session: Session, consent: Consent): Session {
  return { ...session, socket: { name: 'held', consent } };
}
