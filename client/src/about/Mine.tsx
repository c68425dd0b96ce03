// Owns what the page about privacy shows of the reader themselves: by which code they are known here, and what is kept of them.

import { useEffect, useState } from 'preact/hooks';
import { eraseMine, MINE, type Mine, MY_FILE, tell } from '../core/browser/consent';
import { about as words } from '../words';
import styles from './about.module.css';

type Erasing = 'not' | 'asked' | 'sent' | 'done' | 'failed';

/** Nothing until the relay has answered. */
export function MyData() {
  const [mine, setMine] = useState<Mine | null>(null);
  const [erasing, setErasing] = useState<Erasing>('not');
  useEffect(() => {
    void tell<Mine>(MINE, 'code').then(setMine);
  }, []);
  const said = words.mine;

  async function erase() {
    setErasing('sent');
    setErasing((await eraseMine()) ? 'done' : 'failed');
    setMine(await tell<Mine>(MINE, 'code'));
  }

  if (mine === null) return null;
  const isKept = Object.values(mine.kept).some((count) => count > 0);
  return (
    <section className={styles.card}>
      <h2>{said.title}</h2>
      {mine.code === null ? (
        <p>{said.nobody}</p>
      ) : (
        <>
          <p>
            {said.code} <code className={styles.code}>{mine.code}</code>
          </p>
          <p>{said.whatFor}</p>
          <p>{isKept ? said.chats(mine.kept.chats ?? 0) : said.nothing}</p>
        </>
      )}
      {isKept && (
        <div className={styles.forget}>
          <a href={MY_FILE} download>
            {said.save}
          </a>
          {erasing === 'asked' ? (
            <>
              <button type="button" onClick={erase}>
                {said.really}
              </button>
              <button type="button" onClick={() => setErasing('not')}>
                {said.keep}
              </button>
            </>
          ) : (
            <button
              type="button"
              aria-disabled={erasing === 'sent'}
              onClick={() => erasing !== 'sent' && setErasing('asked')}
            >
              {said.erase}
            </button>
          )}
        </div>
      )}
      <p role="status" className={styles.small}>
        {erasing === 'asked' && said.forBoth}
        {erasing === 'done' && said.erased}
        {erasing === 'failed' && said.failed}
      </p>
    </section>
  );
}
