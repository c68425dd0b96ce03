// Owns how one entry of the log looks: whose it is, and for our own what became of it. Whose it is, the side and the colour
// tell, and a name for who sees neither.

import { useMemo } from 'preact/hooks';
import type { ChatEntry, Mine } from '../core/machine/chat_log';
import { shown } from '../core/machine/shown_text';
import { chat as words } from '../words';
import styles from './Chat.module.css';
import { Icon } from './icons';

interface MessageProps {
  readonly entry: ChatEntry;
  /** The newest of our own: an older one that arrived needs no word about it. */
  readonly newest: boolean;
  /** Null when there is nobody left to send it to, or it would not help. */
  readonly onRetry: (() => void) | null;
  /** Sends again all that failed. Null unless this is the newest of several. */
  readonly onRetryAll: (() => void) | null;
}

export function Message({ entry, ...outcome }: MessageProps) {
  const text = useMemo(() => shown(entry.text), [entry.text]);
  return (
    <div className={styles.entry}>
      {/* Not in the paragraph, whose direction follows from what it begins with. */}
      <span className="visually-hidden">{words.writers[entry.from]}</span>
      <p className={styles[entry.from]} dir="auto">
        {text}
      </p>
      {entry.from === 'me' && <Outcome entry={entry} {...outcome} />}
    </div>
  );
}

interface OutcomeProps extends MessageProps {
  readonly entry: Mine;
}

function Outcome({ entry: { delivery, why }, newest, onRetry, onRetryAll }: OutcomeProps) {
  if (delivery === 'failed') {
    const reason = why && words.reasons[why];
    return (
      <div className={styles.failed}>
        <p role="alert">{reason ? words.notSentBecause(reason) : words.notSent}</p>
        {onRetry !== null && (
          <button type="button" onClick={onRetry}>
            <Icon name="retry" size={16} />
            {words.retry}
          </button>
        )}
        {onRetryAll !== null && (
          <button type="button" onClick={onRetryAll}>
            {words.sendAllAgain}
          </button>
        )}
      </div>
    );
  }
  if (!newest && delivery === 'sent') return null;
  return <p className={styles.delivery}>{delivery === 'sending' ? words.sending : words.sent}</p>;
}
