// Owns what the pages about this place have around their words, and their words' coming from the relay.

import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Site } from '../core/browser/consent';
import { Icon } from '../ui/icons';
import { Links } from '../ui/Links';
import { about as words } from '../words';
import styles from './about.module.css';

interface FrameProps<Told> {
  readonly title: string;
  readonly ask: () => Promise<Told | null>;
  readonly children: (told: Told) => ComponentChildren;
}

/** `asking` until the relay has answered, null where it does not. */
export function Frame<Told extends { readonly site: Site }>(props: FrameProps<Told>) {
  const { title, ask, children } = props;
  const [told, setTold] = useState<Told | null | 'asking'>('asking');
  useEffect(() => {
    void ask().then(setTold);
  }, [ask]);
  const site = told === 'asking' ? null : (told?.site ?? null);
  return (
    <div className={styles.window}>
      <header className={styles.top}>
        <a className={styles.home} href="./" title={words.back}>
          <Icon name="chat" size={22} />
          {words.place(site?.name ?? null)}
        </a>
      </header>
      <main className={styles.page} aria-busy={told === 'asking'}>
        <h1>{title}</h1>
        {told === 'asking' || told === null ? (
          <p role="status" className={styles.lead}>
            {told === null ? words.unreachable : words.loading}
          </p>
        ) : (
          children(told)
        )}
      </main>
      <footer className={styles.bottom}>
        <Links imprint={site?.imprint ?? null} />
      </footer>
    </div>
  );
}
