// Owns the corner where somebody signs in. Where there are no accounts it is not there.

import type { FunctionComponent } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { account as words } from '../words';
import styles from './Account.module.css';
import type { AccountProps } from './accounts';

export function Account({ state, account }: AccountProps) {
  const [dialog, setDialog] = useState<{ readonly Shown: FunctionComponent<AccountProps> } | null>(
    null,
  );
  const isWanted = state.open && dialog === null;
  useEffect(() => {
    if (!isWanted) return;
    void import('./AccountDialog').then(({ AccountDialog }) => setDialog({ Shown: AccountDialog }));
  }, [isWanted]);
  if (state.accounts === 'off') return null;
  return (
    <>
      <button type="button" className={styles.corner} onClick={() => account.show(true)}>
        {state.account === null ? words.signIn : (state.account.nickname ?? words.account)}
      </button>
      {dialog !== null && <dialog.Shown state={state} account={account} />}
    </>
  );
}
