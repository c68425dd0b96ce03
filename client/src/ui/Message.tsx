// Owns how one entry of the log looks: whose it is, and for our own what became of it.

import { useMemo } from 'react';
import type { ChatEntry } from '../core/chat_log';
import { shown } from '../core/shown_text';
import styles from './Chat.module.css';
import { Icon } from './icons';

interface MessageProps {
  readonly entry: ChatEntry;
  /** The newest of our own: an older one that arrived needs no word about it. */
  readonly newest: boolean;
  /** Null when there is nobody left to send it to. */
  readonly onRetry: ((id: string) => void) | null;
}

export function Message({ entry, newest, onRetry }: MessageProps) {
  const text = useMemo(() => shown(entry.text), [entry.text]);
  const said = (
    <p className={styles[entry.from]} dir="auto">
      {text}
    </p>
  );
  if (entry.from !== 'me') return said;
  const { id, delivery } = entry;
  if (delivery === 'failed') {
    return (
      <>
        {said}
        <div className={styles.failed}>
          <p>Not sent</p>
          {onRetry !== null && (
            <button type="button" onClick={() => onRetry(id)}>
              <Icon name="retry" size={16} />
              Retry
            </button>
          )}
        </div>
      </>
    );
  }
  return (
    <>
      {said}
      {(newest || delivery === 'sending') && (
        <p className={styles.delivery}>{delivery === 'sending' ? 'Sending…' : 'Sent'}</p>
      )}
    </>
  );
}
