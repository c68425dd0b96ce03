// Owns asking for the token. The field is emptied at once; nothing offers to store it.

import { useRef } from 'preact/hooks';
import styles from './Login.module.css';
import shared from './operator.module.css';

interface Props {
  busy: boolean;
  refusal: string | null;
  open: (token: string) => void;
}

export function Login({ busy, refusal, open }: Props) {
  const field = useRef<HTMLInputElement>(null);

  const submit = (event: Event) => {
    event.preventDefault();
    const token = field.current?.value ?? '';
    if (field.current !== null) field.current.value = '';
    if (token !== '') open(token);
  };

  return (
    <main className={styles.lock}>
      <form className={styles.lockCard} onSubmit={submit}>
        <h1>Relay operator</h1>
        <label htmlFor="token">Operator’s token</label>
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
        <button type="submit" className={styles.primary} disabled={busy}>
          {busy ? 'Looking…' : 'Open'}
        </button>
        <p id="refusal" role="alert" className={styles.refusal}>
          {refusal}
        </p>
        <p className={shared.soft}>
          The token is the server’s <code>RELAY_OPERATOR_TOKEN</code>. It is kept until you lock or
          reload this page.
        </p>
      </form>
    </main>
  );
}
