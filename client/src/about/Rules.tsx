// Owns the page at /rules: what everybody here has agreed to.

import { CONSENT, type Told, tell } from '../core/browser/consent';
import { RichText } from '../ui/rich_text';
import { about as words } from '../words';
import styles from './about.module.css';
import { Frame } from './Frame';

const ask = () => tell<Told>(CONSENT, 'rules_html');

export function Rules() {
  return (
    <Frame title={words.rulesTitle} ask={ask}>
      {({ rules, rules_html: html, minimum_age: minimumAge }) => (
        <>
          <p className={styles.lead}>{words.rulesLead(minimumAge)}</p>
          <section className={styles.card}>
            <RichText html={html} />
          </section>
          <p className={styles.small}>{words.version(rules)}</p>
        </>
      )}
    </Frame>
  );
}
