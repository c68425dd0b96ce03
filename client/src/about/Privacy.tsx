// Owns the page at /privacy: what passes through the server, what is kept of it, and who sees what. Its figures are the server's own.

import { useState } from 'preact/hooks';
import { type Kept, PRIVACY, type Site, tell, withdrawConsent } from '../core/browser/consent';
import { about as words } from '../words';
import styles from './about.module.css';
import { Frame } from './Frame';
import { MyData } from './Mine';

const ask = () => tell<Kept>(PRIVACY, 'cookie_days');

export function Privacy() {
  const [forgotten, setForgotten] = useState(false);
  return (
    <Frame title={words.privacyTitle} ask={ask}>
      {(kept) => (
        <>
          <p className={styles.lead}>{words.privacyLead}</p>
          <Said
            {...words.through}
            text={[...words.through.text, ...(kept.chats_days === null ? [] : [words.keptChats])]}
          />
          <Said {...words.partner} />
          <Said
            {...words.operator}
            text={[
              ...words.operator.text,
              ...(kept.turn.length > 0 ? [words.turn(kept.turn)] : []),
            ]}
          />
          <Table kept={kept} />
          <Cookies
            isSet={kept.consent}
            accounts={kept.accounts}
            onForgotten={() => setForgotten(true)}
          />
          {/* Looks again: without the cookie nothing leads to them. */}
          {kept.consent && <MyData key={`${forgotten}`} />}
          <Whom site={kept.site} />
        </>
      )}
    </Frame>
  );
}

function Said({ title, text }: { readonly title: string; readonly text: readonly string[] }) {
  return (
    <section className={styles.card}>
      <h2>{title}</h2>
      {text.map((each) => (
        <p key={each}>{each}</p>
      ))}
    </section>
  );
}

function Table({ kept }: { readonly kept: Kept }) {
  const said = words.kept;
  const lasts = (days: number | null) => (days === null ? said.notKept : words.days(days));
  const rows: readonly (readonly [string, string])[] = [
    [said.media, said.notKept],
    [kept.chats_days === null ? said.chats : said.chatsOfBoth, lasts(kept.chats_days)],
    [said.visits, lasts(kept.visits_days)],
    [said.sums, lasts(kept.sums_days)],
    ...(kept.consent ? [[said.cookie, words.days(kept.cookie_days)] as const] : []),
    ...(kept.accounts ? [[said.account, said.untilDeleted] as const] : []),
    [said.choices, said.untilCleared],
  ];
  return (
    <section className={styles.card}>
      <h2>{said.title}</h2>
      <table className={styles.kept}>
        <thead>
          <tr>
            <th scope="col">{said.what}</th>
            <th scope="col">{said.howLong}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([what, howLong]) => (
            <tr key={what}>
              <td>{what}</td>
              <td>{howLong}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** `isSet`: this place has a cookie. */
function Cookies(props: {
  readonly isSet: boolean;
  readonly accounts: boolean;
  readonly onForgotten: () => void;
}) {
  const { isSet, accounts, onForgotten } = props;
  const said = words.cookies;
  const [forgetting, setForgetting] = useState<'not' | 'asked' | 'done' | 'failed'>('not');

  async function forget() {
    if (forgetting === 'asked') return;
    setForgetting('asked');
    const isDone = await withdrawConsent();
    setForgetting(isDone ? 'done' : 'failed');
    if (isDone) onForgotten();
  }

  return (
    <section className={styles.card}>
      <h2>{said.title}</h2>
      {isSet && <p>{said.one}</p>}
      {!isSet && !accounts && <p>{said.none}</p>}
      {accounts && <p>{said.account}</p>}
      <p>{said.others}</p>
      {isSet && (
        <div className={styles.forget}>
          <button type="button" aria-disabled={forgetting === 'asked'} onClick={forget}>
            {forgetting === 'asked' ? said.forgetting : said.forget}
          </button>
          <p role="status">
            {forgetting === 'done' && said.forgotten}
            {forgetting === 'failed' && said.failed}
          </p>
        </div>
      )}
    </section>
  );
}

function Whom({ site }: { readonly site: Site }) {
  const said = words.whom;
  const { name, contact, imprint, links } = site;
  const unknown = name === null && contact === null && imprint === null;
  return (
    <section className={styles.card}>
      <h2>{said.title}</h2>
      {name !== null && <p>{name}</p>}
      {unknown && <p>{said.nobody}</p>}
      <ul className={styles.links}>
        {contact !== null && (
          <li>
            {said.contact}: <a href={addressOf(contact)}>{contact}</a>
          </li>
        )}
        {imprint !== null && (
          <li>
            <a href={imprint}>{said.imprint}</a>
          </li>
        )}
        {links.map(({ title, url }) => (
          <li key={url}>
            <a href={url}>{title}</a>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The operator gives an e-mail address or a URL. */
function addressOf(contact: string): string {
  return /^https?:/i.test(contact) ? contact : `mailto:${contact}`;
}
