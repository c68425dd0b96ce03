// Owns the way to the chats that the person keeps. What shows them is loaded when it is wanted.

import type { FunctionComponent } from 'preact';
import { useState } from 'preact/hooks';
import { keptChats as words } from '../words';
import styles from './KeptChatsButton.module.css';

type List = FunctionComponent<{ readonly onClose: () => void }>;

export function KeptChatsButton() {
  const [list, setList] = useState<{ readonly Shown: List } | null>(null);

  async function open() {
    const { KeptChats } = await import('./KeptChats');
    setList({ Shown: KeptChats });
  }

  return (
    <>
      <button type="button" className={styles.button} onClick={open}>
        {words.title}
      </button>
      {list !== null && <list.Shown onClose={() => setList(null)} />}
    </>
  );
}
