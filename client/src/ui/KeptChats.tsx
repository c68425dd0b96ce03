// Owns the list of chats that the person keeps: it is fetched when they look, and nothing of it stays in the page.

import { useEffect, useRef, useState } from 'preact/hooks';
import { keptChats as words } from '../words';
import styles from './KeptChats.module.css';

interface Line {
  readonly at: number;
  readonly own: boolean;
  /** Null: it cannot be read any more. */
  readonly text: string | null;
}

interface KeptChat {
  readonly id: string;
  readonly began_at: number;
  readonly until: number;
  readonly lines: readonly Line[];
}

type Shown =
  | { readonly name: 'asking' }
  | { readonly name: 'failed' }
  | { readonly name: 'there'; readonly chats: readonly KeptChat[] };

interface KeptChatsProps {
  readonly onClose: () => void;
}

export function KeptChats({ onClose }: KeptChatsProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [shown, setShown] = useState<Shown>({ name: 'asking' });
  const [notErased, setNotErased] = useState(false);

  useEffect(() => {
    dialog.current?.showModal();
    look().then(setShown);
  }, []);

  async function erase(id: string) {
    const done = await erased(id);
    setNotErased(!done);
    setShown(await look());
  }

  return (
    <dialog ref={dialog} className={styles.dialog} aria-label={words.title} onClose={onClose}>
      <header className={styles.header}>
        <h2>{words.title}</h2>
        <button type="button" onClick={() => dialog.current?.close()}>
          {words.close}
        </button>
      </header>
      <p className={styles.about}>{words.about}</p>
      {notErased && <p role="alert">{words.notErased}</p>}
      {shown.name === 'asking' && <p aria-live="polite">{words.asking}</p>}
      {shown.name === 'failed' && <p role="alert">{words.failed}</p>}
      {shown.name === 'there' && shown.chats.length === 0 && <p>{words.none}</p>}
      {shown.name === 'there' &&
        shown.chats.map((chat) => (
          <Kept key={chat.id} chat={chat} onErase={() => erase(chat.id)} />
        ))}
    </dialog>
  );
}

interface KeptProps {
  readonly chat: KeptChat;
  readonly onErase: () => void;
}

function Kept({ chat, onErase }: KeptProps) {
  const name = words.began(chat.began_at);
  return (
    <details className={styles.chat}>
      <summary>
        {name} <span>{words.lines(chat.lines.length)}</span>
      </summary>
      <ol className={styles.lines}>
        {chat.lines.map((line, place) => (
          <li key={place} className={line.own ? styles.own : undefined}>
            <span className={styles.writer}>{line.own ? words.you : words.partner}</span>{' '}
            {line.text ?? words.unreadable}
          </li>
        ))}
      </ol>
      <p className={styles.until}>{words.until(chat.until)}</p>
      <p className={styles.ways}>
        <button type="button" onClick={() => save(chat)} aria-label={words.saveNamed(name)}>
          {words.save}
        </button>
        <button type="button" onClick={onErase} aria-label={words.eraseNamed(name)}>
          {words.erase}
        </button>
      </p>
    </details>
  );
}

async function look(): Promise<Shown> {
  try {
    const answer = await fetch('videochat/history');
    if (!answer.ok) return { name: 'failed' };
    const { chats } = (await answer.json()) as { chats: readonly KeptChat[] };
    return { name: 'there', chats };
  } catch {
    return { name: 'failed' };
  }
}

/** For both who have it. */
async function erased(id: string): Promise<boolean> {
  try {
    const answer = await fetch(`videochat/history/${encodeURIComponent(id)}`, { method: 'DELETE' });
    // The other one may have been quicker.
    return answer.ok || answer.status === 404;
  } catch {
    return false;
  }
}

/** As a text file, made in the page. */
function save(chat: KeptChat): void {
  const text = chat.lines
    .map(({ own, text }) => `${own ? words.you : words.partner} ${text ?? words.unreadable}`)
    .join('\n');
  const address = URL.createObjectURL(new Blob([`${text}\n`], { type: 'text/plain' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = words.fileName;
  link.click();
  URL.revokeObjectURL(address);
}
