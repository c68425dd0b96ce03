// Owns how one entry of the log looks: whose it is, and for our own what became of it. Whose it is, the side and the colour
// tell, and a name for who sees neither.

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

const WRITERS: Record<ChatEntry['from'], string> = {
  me: 'You:',
  partner: 'Partner:',
  notice: 'Server:',
};

export function Message({ entry, newest, onRetry }: MessageProps) {
  const text = useMemo(() => shown(entry.text), [entry.text]);
  return (
    <div className={styles.entry}>
      {/* Not in the paragraph, whose direction follows from what it begins with. */}
      <span className="visually-hidden">{WRITERS[entry.from]}</span>
      <p className={styles[entry.from]} dir="auto">
        {text}
      </p>
      {entry.from === 'me' && <Outcome entry={entry} newest={newest} onRetry={onRetry} />}
    </div>
  );
}

interface OutcomeProps extends MessageProps {
  readonly entry: Extract<ChatEntry, { readonly from: 'me' }>;
}

function Outcome({ entry: { id, delivery }, newest, onRetry }: OutcomeProps) {
  if (delivery === 'failed') {
    return (
      <div className={styles.failed}>
        <p role="alert">Not sent</p>
        {onRetry !== null && (
          <button type="button" onClick={() => onRetry(id)}>
            <Icon name="retry" size={16} />
            Retry
          </button>
        )}
      </div>
    );
  }
  if (!newest && delivery === 'sent') return null;
  return <p className={styles.delivery}>{delivery === 'sending' ? 'Sending…' : 'Sent'}</p>;
}
