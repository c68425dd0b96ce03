// Owns who is on the staff: the list, letting somebody in, and taking somebody off.

import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { operator as words } from '../words';
import { Confirm } from './Confirm';
import styles from './operator.module.css';
import staffStyles from './Staff.module.css';
import type { OperatorSession } from './session';
import type { Colleague } from './types';

const ROLES = ['moderator', 'operator', 'auditor'] as const;

/** Somebody's link, which is told once. */
interface Link {
  name: string;
  address: string;
}

export function Staff({ session }: { session: OperatorSession }) {
  const [staff, setStaff] = useState<readonly Colleague[] | null>(null);
  const [why, setWhy] = useState<string | null>(null);
  const [link, setLink] = useState<Link | null>(null);

  const look = useCallback(async () => {
    const answer = await session.staff();
    if ('untold' in answer) setWhy(answer.untold);
    else setStaff(answer);
  }, [session]);

  useEffect(() => void look(), [look]);

  const open = async (name: string, asking: ReturnType<OperatorSession['openLink']>) => {
    const answer = await asking;
    const isOpen = typeof answer === 'string';
    setLink(isOpen ? { name, address: answer } : null);
    setWhy(isOpen ? null : answer.untold);
    await look();
    return isOpen;
  };

  const remove = async (id: string) => {
    const answer = await session.remove(id);
    setWhy(answer === null ? null : answer.untold);
    setLink(null);
    await look();
  };

  return (
    <section aria-label={words.staff} className={styles.panel}>
      <h2>{words.staff}</h2>
      {why !== null && (
        <p role="status" className={styles.notice}>
          {why}
        </p>
      )}
      {link !== null && <Address link={link} />}
      {staff === null && why === null && <p className={styles.soft}>{words.looking}</p>}
      {staff?.length === 0 && <p className={styles.soft}>{words.nobodyOnStaff}</p>}
      <ul className={staffStyles.list}>
        {staff?.map((each) => (
          <li key={each.id}>
            <span>
              <strong>{each.name}</strong> {words.rolesOf(each.roles)}
            </span>
            <span className={styles.soft}>
              {words.howIn(each.passkeys, each.seen, each.link_ends !== null)}
            </span>
            <span className={styles.actions}>
              <button
                type="button"
                onClick={() => void open(each.name, session.openLink(each.id))}
                aria-label={words.linkFor(each.name)}
              >
                {words.newLink}
              </button>
              <Confirm
                label={words.remove}
                question={words.removeQuestion(each.name)}
                act={() => remove(each.id)}
              />
            </span>
          </li>
        ))}
      </ul>
      <Invitation invite={(name, roles) => open(name, session.invite(name, roles))} />
    </section>
  );
}

function Address({ link }: { link: Link }) {
  const [isCopied, setIsCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(link.address);
    setIsCopied(true);
  };
  return (
    <div className={staffStyles.link}>
      <label htmlFor="link">{words.linkIs(link.name)}</label>
      <span>
        <input
          id="link"
          readOnly
          value={link.address}
          onFocus={(event) => event.currentTarget.select()}
        />
        <button type="button" onClick={() => void copy()}>
          {isCopied ? words.copied : words.copy}
        </button>
      </span>
    </div>
  );
}

function Invitation({
  invite,
}: {
  invite: (name: string, roles: readonly string[]) => Promise<boolean>;
}) {
  const form = useRef<HTMLFormElement>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (form.current === null) return;
    const said = new FormData(form.current);
    const roles = said.getAll('role').map(String);
    const name = String(said.get('name') ?? '').trim();
    if (name !== '' && roles.length > 0 && (await invite(name, roles))) form.current?.reset();
  };
  return (
    <form ref={form} className={staffStyles.invitation} onSubmit={(event) => void submit(event)}>
      <label htmlFor="name">{words.name}</label>
      <input id="name" name="name" maxLength={64} autoComplete="off" required />
      <fieldset>
        <legend>{words.roles}</legend>
        {ROLES.map((role) => (
          <label key={role} title={words.mayDo[role]}>
            <input type="checkbox" name="role" value={role} /> {words.role[role]}
          </label>
        ))}
      </fieldset>
      <button type="submit">{words.letIn}</button>
    </form>
  );
}
