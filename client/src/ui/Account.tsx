// Owns the corner where somebody signs in, and the dialog behind it. Where there are no accounts it is not there.

import { useEffect, useRef, useState } from 'preact/hooks';
import { account as words } from '../words';
import styles from './Account.module.css';
import type { AccountState, AccountView } from './accounts';

interface Props {
  readonly state: AccountState;
  readonly account: AccountView;
}

export function Account({ state, account }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (state.open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [state.open]);
  if (state.accounts === 'off') return null;
  const signedIn = state.account;
  return (
    <>
      <button type="button" className={styles.corner} onClick={() => account.show(true)}>
        {signedIn === null ? words.signIn : (signedIn.nickname ?? words.account)}
      </button>
      <dialog
        ref={dialog}
        className={styles.dialog}
        aria-labelledby="account-title"
        onClose={() => state.open && account.show(false)}
      >
        {signedIn === null ? (
          <SignIn state={state} account={account} />
        ) : (
          <Yours key={signedIn.nickname} state={state} account={account} />
        )}
        <p role="alert" className={styles.trouble}>
          {state.trouble !== null && said(state.trouble)}
        </p>
        <button type="button" className={styles.quiet} onClick={() => account.show(false)}>
          {words.close}
        </button>
      </dialog>
    </>
  );
}

function SignIn({ state, account }: Props) {
  const { provider, busy } = state;
  return (
    <>
      <h2 id="account-title">{words.signIn}</h2>
      <p>{state.accounts === 'required' ? words.whyRequired : words.whyOptional}</p>
      {state.passkeys && (
        <>
          <button type="button" className={styles.main} disabled={busy} onClick={account.signIn}>
            {words.byPasskey}
          </button>
          <button
            type="button"
            className={styles.quiet}
            disabled={busy}
            onClick={account.makePasskey}
          >
            {words.newPasskey}
          </button>
        </>
      )}
      {provider !== null && (
        <button
          type="button"
          className={state.passkeys ? styles.quiet : styles.main}
          disabled={busy}
          onClick={account.goToProvider}
        >
          {words.byProvider(provider)}
        </button>
      )}
    </>
  );
}

function Yours({ state, account }: Props) {
  const [nickname, setNickname] = useState(state.account?.nickname ?? '');
  const [asked, setAsked] = useState(false);
  const { busy } = state;
  const save = (event: Event) => {
    event.preventDefault();
    account.rename(nickname);
  };
  return (
    <>
      <h2 id="account-title">{words.yours}</h2>
      <form className={styles.form} onSubmit={save}>
        <label htmlFor="nickname">{words.nickname}</label>
        <input
          id="nickname"
          value={nickname}
          maxLength={40}
          autoComplete="nickname"
          aria-describedby="nickname-is-for"
          onInput={({ currentTarget }) => setNickname(currentTarget.value)}
        />
        <button type="submit" className={styles.quiet} disabled={busy}>
          {words.save}
        </button>
      </form>
      <p id="nickname-is-for">{words.nicknameIsFor}</p>
      <p role="status">
        {state.done === null ? words.browsers(state.account?.sessions ?? 1) : words[state.done]}
      </p>
      {state.passkeys && (
        <button
          type="button"
          className={styles.quiet}
          disabled={busy}
          onClick={account.makePasskey}
        >
          {words.anotherPasskey}
        </button>
      )}
      <a className={styles.link} href="videochat/account/export" download>
        {words.export_}
      </a>
      <button type="button" className={styles.quiet} disabled={busy} onClick={account.signOut}>
        {words.signOut}
      </button>
      {asked ? (
        <div className={styles.sure}>
          <p>{words.reallyRemove}</p>
          <button type="button" className={styles.danger} disabled={busy} onClick={account.remove}>
            {words.yes}
          </button>
          <button type="button" className={styles.quiet} onClick={() => setAsked(false)}>
            {words.no}
          </button>
        </div>
      ) : (
        <button type="button" className={styles.danger} onClick={() => setAsked(true)}>
          {words.remove}
        </button>
      )}
    </>
  );
}

function said(trouble: string): string {
  return Object.hasOwn(words.troubles, trouble)
    ? words.troubles[trouble as keyof typeof words.troubles]
    : words.troubles.other;
}
