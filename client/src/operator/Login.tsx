// Owns asking for the token. The field is emptied at once; nothing offers to store it.

import { useRef } from 'preact/hooks';
import { operator as words } from '../words';
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
        <h1>{words.title}</h1>
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
        <button type="submit" className={styles.primary} disabled={busy}>
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
