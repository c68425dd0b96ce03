// Owns the dialog that asks a person whether they agree to the rules and are of age, and the page that is left to those who do
// not. The browser keeps what is below out of reach; there is no way past it but the two answers.

import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { PersonEvent } from '../core/machine/events';
import type { Consent as State } from '../core/machine/state';
import { consent as words } from '../words';
import styles from './Consent.module.css';
import { Links } from './Links';
import { RichText } from './rich_text';

interface ConsentProps {
  readonly consent: Exclude<State, { readonly name: 'unknown' }>;
  readonly imprint: string | null;
  readonly onAct: (event: PersonEvent) => void;
}

export function Consent({ consent, imprint, onAct }: ConsentProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useRef<HTMLHeadingElement>(null);
  const { name } = consent;
  useLayoutEffect(() => dialog.current?.showModal(), []);
  // What is said is read from its beginning.
  useLayoutEffect(() => title.current?.focus(), [name === 'declined']);
  return (
    <dialog
      ref={dialog}
      className={styles.dialog}
      data-declined={name === 'declined'}
      aria-labelledby="consent"
      onCancel={(event) => event.preventDefault()}
      // Chromium lets a second Escape through otherwise.
      onKeyDown={(event) => event.key === 'Escape' && event.preventDefault()}
    >
      {consent.name === 'declined' ? (
        <div className={styles.declined}>
          <h2 ref={title} id="consent" tabIndex={-1}>
            {words.declined}
          </h2>
          <p>{words.declinedWhy(consent.minimumAge)}</p>
          <p>{words.declinedKept}</p>
          <p>{words.declinedClose}</p>
          <Links imprint={imprint} />
        </div>
      ) : (
        <Question consent={consent} title={title} imprint={imprint} onAct={onAct} />
      )}
    </dialog>
  );
}

interface QuestionProps extends ConsentProps {
  readonly consent: Extract<State, { readonly name: 'asked' | 'answering' }>;
  readonly title: { current: HTMLHeadingElement | null };
}

function Question({ consent, title, imprint, onAct }: QuestionProps) {
  const { question, changed } = consent;
  const { minimumAge } = question;
  const box = useRef<HTMLInputElement>(null);
  const [ofAge, setOfAge] = useState(minimumAge === 0);
  const [missed, setMissed] = useState(false);
  const sending = consent.name === 'answering';
  const trouble = consent.name === 'asked' ? consent.trouble : null;

  function agree() {
    if (sending) return;
    if (ofAge) return onAct({ type: 'agree' });
    setMissed(true);
    box.current?.focus();
  }

  const complaint =
    missed && !ofAge ? words.tickFirst(minimumAge) : trouble && words.trouble[trouble];
  return (
    <>
      <header className={styles.head}>
        <h2 ref={title} id="consent" tabIndex={-1}>
          {changed ? words.changed : words.first}
        </h2>
        <p>{changed ? words.changedHint : words.lead}</p>
      </header>
      {/* A keyboard scrolls what has the focus. */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached. */}
      <section className={styles.text} aria-label={words.text} tabIndex={0}>
        <RichText html={question.html} />
      </section>
      <footer className={styles.foot}>
        {minimumAge > 0 && (
          <label className={styles.age} data-missed={missed && !ofAge}>
            <input
              ref={box}
              type="checkbox"
              checked={ofAge}
              aria-describedby="consent-complaint"
              onChange={({ currentTarget }) => setOfAge(currentTarget.checked)}
            />
            {words.ofAge(minimumAge)}
          </label>
        )}
        <p id="consent-complaint" className={styles.complaint} role="alert">
          {complaint}
        </p>
        <div className={styles.answers}>
          <button
            type="button"
            className={styles.agree}
            // Not `disabled`: who presses it is told what is missing.
            aria-disabled={!ofAge || sending}
            onClick={agree}
          >
            {sending ? words.sending : words.agree}
          </button>
          <button
            type="button"
            className={styles.decline}
            onClick={() => onAct({ type: 'decline' })}
          >
            {words.decline(minimumAge)}
          </button>
        </div>
        <div className={styles.more}>
          <p>{words.cookie}</p>
          <Links imprint={imprint} />
        </div>
      </footer>
    </>
  );
}
