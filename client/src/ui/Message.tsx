// Owns how one entry of the log looks: whose it is, and for our own what became of it. Whose it is, the side and the colour
// tell, and a name for who sees neither.

import { useMemo } from 'preact/hooks';
import type { ChatEntry, Mine, WhyUnsent } from '../core/chat_log';
import { shown } from '../core/shown_text';
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

const WRITERS: Record<ChatEntry['from'], string> = {
  me: 'You:',
  partner: 'Partner:',
  notice: 'Server:',
};

/** Beyond that it was not sent, in words that say what to do, or whose fault it is. */
const UNSENT: Partial<Record<WhyUnsent, string>> = {
  rate_limited: 'too fast. Wait a moment.',
  message_too_large: 'it is too long.',
  out_of_turn: 'your partner was gone.',
  invalid_message: 'the server could not read it.',
  internal: 'the server made a mistake.',
  unanswered: 'the server did not answer.',
  cut_off: 'the connection was lost.',
};

export function Message({ entry, ...outcome }: MessageProps) {
  const text = useMemo(() => shown(entry.text), [entry.text]);
  return (
    <div className={styles.entry}>
      {/* Not in the paragraph, whose direction follows from what it begins with. */}
      <span className="visually-hidden">{WRITERS[entry.from]}</span>
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
    const reason = why && UNSENT[why];
    return (
      <div className={styles.failed}>
        <p role="alert">{reason ? `Not sent: ${reason}` : 'Not sent'}</p>
        {onRetry !== null && (
          <button type="button" onClick={onRetry}>
            <Icon name="retry" size={16} />
            Retry
          </button>
        )}
        {onRetryAll !== null && (
          <button type="button" onClick={onRetryAll}>
            Send all again
          </button>
        )}
      </div>
    );
  }
  if (!newest && delivery === 'sent') return null;
  return <p className={styles.delivery}>{delivery === 'sending' ? 'Sending…' : 'Sent'}</p>;
}
