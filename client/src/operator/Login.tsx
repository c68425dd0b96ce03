// Owns asking who it is: by a passkey, or by the operator's token. Its field is emptied at once; nothing offers to store it.

import { useRef } from 'preact/hooks';
import { operator as words } from '../words';
import styles from './Login.module.css';
import shared from './operator.module.css';
import type { OperatorSession, State } from './session';

interface Props {
  session: OperatorSession;
  state: Extract<State, { view: 'locked' }>;
}

export function Login({ session, state: { busy, refusal } }: Props) {
  const field = useRef<HTMLInputElement>(null);

  const submit = (event: Event) => {
    event.preventDefault();
    const token = field.current?.value ?? '';
    if (field.current !== null) field.current.value = '';
    if (token !== '') void session.open(token);
  };

  return (
    <main className={styles.lock}>
      <form className={styles.lockCard} onSubmit={submit}>
        <h1>{words.title}</h1>
        {session.hasPasskeys && (
          <>
            <button
              type="button"
              className={styles.primary}
              disabled={busy}
              onClick={() => void session.signIn()}
            >
              {words.signIn}
            </button>
            <p className={styles.or}>{words.or}</p>
          </>
        )}
        <label htmlFor="token">{words.token}</label>
        <input
          id="token"
          ref={field}
          type="password"
          autoComplete="off"
          autoCapitalize="none"
          spellcheck={false}
          aria-describedby="refusal"
          disabled={busy}
        />
        <button
          type="submit"
          className={session.hasPasskeys ? styles.second : styles.primary}
          disabled={busy}
        >
          {busy ? words.looking : words.open}
        </button>
        <p id="refusal" role="alert" className={styles.refusal}>
          {refusal}
        </p>
        <p className={shared.soft}>
          {words.tokenIs} <code>RELAY_OPERATOR_TOKEN</code>. {words.tokenIsKept}
        </p>
      </form>
    </main>
  );
}
