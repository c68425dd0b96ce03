// Owns the layout of the console: what is now, the last hour, rooms, what went wrong, who is on the staff, what they did,
// and days past. What somebody may not see is not shown; the server decides.

import { figures, operator as words } from '../words';
import { Again } from './Again';
import { Audit } from './Audit';
import { Chart } from './Chart';
import { Confirm } from './Confirm';
import { Days } from './Days';
import styles from './operator.module.css';
import { latest } from './overview';
import { Refused } from './Refused';
import { Rooms } from './Rooms';
import { Staff } from './Staff';
import type { OperatorSession, State } from './session';
import { Tile } from './Tile';
import { Troubles } from './Troubles';
import { Who } from './Who';

interface Props {
  session: OperatorSession;
  state: Extract<State, { view: 'open' }>;
}

export function Board({ session, state }: Props) {
  const { me, overview, stale, notice } = state;
  // The operator's token may do everything.
  const may = (scope: string) => me === null || me.scopes.includes(scope);
  const { series } = overview;
  const [status, word] =
    stale !== null
      ? ['bad', words.notAnswering]
      : overview.ready
        ? ['good', words.takingPeople]
        : ['warn', words.draining];

  return (
    <main className={styles.board}>
      <header className={styles.header}>
        <h1>{words.heading}</h1>
        <span className={styles.status} data-status={status} role="status">
          {word}
        </span>
        <span className={styles.soft}>
          {words.about(overview.version, overview.engine, overview.uptime)}
          {overview.certificate_ends !== null &&
            words.certificate(overview.certificate_ends - overview.now)}
        </span>
        <span className={styles.actions}>
          {may('operate') && (
            <>
              <button
                type="button"
                title={words.cleanUpTitle}
                onClick={() => void session.cleanUp()}
              >
                {words.cleanUp}
              </button>
              <Confirm
                label={words.drain}
                question={words.drainQuestion}
                act={() => session.drain()}
                disabled={!overview.ready}
              />
            </>
          )}
          {me === null ? (
            <button type="button" onClick={() => session.lock()}>
              {words.lock}
            </button>
          ) : (
            <Who session={session} me={me} />
          )}
        </span>
      </header>
      {stale !== null && (
        <p role="alert" className={styles.banner}>
          {words.stale(stale)}
        </p>
      )}
      {notice !== null && (
        <p role="status" className={styles.notice}>
          {notice}
        </p>
      )}

      <section aria-label={words.now} className={styles.tiles}>
        <Tile
          name={words.talking}
          value={figures.count(overview.talking)}
          detail={words.ofRooms(overview.rooms_in_all)}
        />
        <Tile
          name={words.waiting}
          value={figures.count(overview.waiting)}
          detail={words.ofMatches(overview.matches)}
        />
        <Tile
          name={words.connected}
          value={figures.count(overview.people)}
          detail={words.ofCapacity(overview.capacity, overview.bound, overview.used)}
          used={overview.used}
        />
        <Tile
          name={words.traffic}
          value={figures.bitrate(latest(series, 'sent'))}
          detail={words.outAndIn(latest(series, 'received'))}
        />
        <Tile
          name={words.cpu}
          value={figures.share(latest(series, 'cpu'))}
          detail={words.ofCores(overview.cores)}
          used={latest(series, 'cpu')}
        />
        <Tile
          name={words.memory}
          value={figures.bytes(overview.memory)}
          detail={words.ofMemory(overview.memory_limit)}
          used={overview.memory / overview.memory_limit}
        />
      </section>

      <section aria-label={words.lastHour} className={styles.charts}>
        <Chart
          title={words.charts.people.title}
          series={series}
          lines={[
            ['talking', words.charts.people.talking],
            ['people', words.charts.people.connected],
          ]}
          format={figures.count}
          whole
        />
        <Chart
          title={words.charts.arrivals.title}
          series={series}
          lines={[
            ['arrivals', words.charts.arrivals.arrivals],
            ['matches', words.charts.arrivals.matches],
          ]}
          format={figures.count}
        />
        <Chart
          title={words.charts.traffic.title}
          series={series}
          lines={[
            ['sent', words.charts.traffic.out],
            ['received', words.charts.traffic.in],
          ]}
          format={figures.bitrate}
        />
        <Chart
          title={words.charts.cpu.title}
          series={series}
          lines={[
            ['cpu', words.charts.cpu.all],
            ['media_cpu', words.charts.cpu.media],
          ]}
          format={figures.share}
          atLeast={0.1}
        />
        <Chart
          title={words.charts.delay.title}
          series={series}
          lines={[
            ['lag', words.charts.delay.lag],
            ['setup', words.charts.delay.setup],
          ]}
          format={figures.delay}
          atLeast={0.05}
        />
        <Chart
          title={words.charts.loss.title}
          series={series}
          lines={[
            ['loss_in', words.charts.loss.in],
            ['loss_out', words.charts.loss.out],
          ]}
          format={figures.share}
          atLeast={0.02}
        />
        <Chart
          title={words.charts.frozen.title}
          series={series}
          lines={[['frozen', words.charts.frozen.frozen]]}
          format={figures.share}
          atLeast={0.02}
        />
        <Chart
          title={words.charts.failures.title}
          series={series}
          lines={[
            ['failures', words.charts.failures.failures],
            ['lost', words.charts.failures.dropped],
          ]}
          format={figures.count}
          atLeast={1}
        />
      </section>

      <Rooms
        rooms={overview.rooms}
        inAll={overview.rooms_in_all}
        end={(room) => session.endRoom(room)}
      />
      <Refused refused={overview.refused} now={overview.now} />
      <Troubles troubles={overview.troubles} now={overview.now} />
      {may('operate') && <Staff session={session} />}
      {may('audit') && <Audit session={session} />}
      {may('operate') && <Days session={session} />}
      {state.again && <Again session={session} />}
    </main>
  );
}
