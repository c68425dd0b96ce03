// Owns the dialog in which somebody signs in, or sees their account. It is loaded when it is wanted.

import { useEffect, useRef, useState } from 'preact/hooks';
import { account as words } from '../words';
import styles from './AccountDialog.module.css';
import type { AccountProps } from './accounts';

const DONE = { saved: words.saved, added: words.added };

export function AccountDialog({ state, account }: AccountProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (state.open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [state.open]);
  const signedIn = state.account;
  return (
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
  );
}

function SignIn({ state, account }: AccountProps) {
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

function Yours({ state, account }: AccountProps) {
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
        {state.done === null ? words.browsers(state.account?.sessions ?? 1) : DONE[state.done]}
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
