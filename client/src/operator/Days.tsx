// Owns what is kept of days past: which of them are shown, their charts, and the table of them.

import { useEffect, useState } from 'preact/hooks';
import { figures, operator as words } from '../words';
import { Chart } from './Chart';
import { columns } from './days';
import styles from './operator.module.css';
import type { OperatorSession, Past } from './session';
import type { Analytics } from './types';

const WEEK: Past = { days: 7, by: 'hour' };
const CHOICE: Past[] = [{ days: 1, by: 'hour' }, WEEK, { days: 30, by: 'day' }];

const DAY = 86_400;

/** Milliseconds between questions: as often as the server writes its sums. */
const INTERVAL = 60_000;

/** Milliseconds for which a table stays where the browser fetches it from. */
const FETCHING = 60_000;

export function Days({ session }: { session: OperatorSession }) {
  const [past, setPast] = useState(WEEK);
  const [told, setTold] = useState<Analytics | null>(null);
  const [why, setWhy] = useState<string | null>(null);

  useEffect(() => {
    let wanted = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async () => {
      const answer = await session.analytics(past);
      if (!wanted) return;
      if ('untold' in answer) setWhy(answer.untold);
      else {
        setTold(answer);
        setWhy(null);
      }
      timer = setTimeout(() => void look(), INTERVAL);
    };
    void look();
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [session, past]);

  const save = async () => {
    const table = await session.table(past);
    if ('untold' in table) setWhy(table.untold);
    else keep(table, words.tableName(past.days));
  };

  return (
    <section aria-label={words.daysPast} className={styles.days}>
      <header className={styles.header}>
        <h2>{words.daysPast}</h2>
        <span className={styles.soft}>{words.byStep(past.by)}</span>
        <span className={styles.actions}>
          {CHOICE.map((each) => (
            <button
              key={each.days}
              type="button"
              aria-pressed={each === past}
              onClick={() => setPast(each)}
            >
              {words.spanOf(each.days)}
            </button>
          ))}
          <button type="button" disabled={told === null} onClick={() => void save()}>
            {words.table}
          </button>
        </span>
      </header>
      {why !== null && (
        <p role="status" className={styles.notice}>
          {told === null ? why : words.stale(why)}
        </p>
      )}
      {told !== null && <Charts told={told} />}
      {told === null && why === null && <p className={styles.soft}>{words.looking}</p>}
    </section>
  );
}

function Charts({ told }: { told: Analytics }) {
  const past = {
    series: columns(told.periods),
    atRest: told.total,
    gap: told.step,
    when: told.step === DAY ? words.dayOf : words.hourOf,
  };
  const { charts } = words;
  return (
    <div className={styles.kept}>
      <Chart
        {...past}
        title={charts.came.title}
        lines={[['people', charts.came.people]]}
        format={figures.count}
        whole
      />
      <Chart
        {...past}
        title={charts.visitors.title}
        lines={[
          ['new_visitors', charts.visitors.new],
          ['returned_visitors', charts.visitors.returned],
        ]}
        format={figures.count}
        whole
      />
      <Chart
        {...past}
        title={charts.retention.title}
        lines={[['retention', charts.retention.share]]}
        format={figures.share}
        atLeast={1}
      />
      <Chart
        {...past}
        title={charts.rooms.title}
        lines={[
          ['rooms_video', charts.rooms.video],
          ['rooms_audio', charts.rooms.audio],
          ['rooms_text', charts.rooms.text],
        ]}
        format={figures.count}
        whole
      />
      <Chart
        {...past}
        title={charts.ended.title}
        lines={[
          ['ended_next', charts.ended.next],
          ['ended_left', charts.ended.left],
          ['ended_disconnected', charts.ended.disconnected],
        ]}
        format={figures.count}
        whole
      />
      <Chart
        {...past}
        title={charts.wait.title}
        lines={[['mean_wait', charts.wait.mean]]}
        format={figures.delay}
        atLeast={1}
      />
      <Chart
        {...past}
        title={charts.length.title}
        lines={[
          ['mean_room', charts.length.rooms],
          ['mean_visit', charts.length.visits],
        ]}
        format={figures.duration}
        atLeast={60}
      />
      <Chart
        {...past}
        title={charts.success.title}
        lines={[['success', charts.success.share]]}
        format={figures.share}
        atLeast={1}
      />
    </div>
  );
}

/** As a file of the operator's. */
function keep(content: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), FETCHING);
}
