// Owns the layout of the console: what is now, the last hour, rooms, and what went wrong.

import { Chart } from './Chart';
import { Confirm } from './Confirm';
import { bitrate, bytes, count, delay, duration, share } from './format';
import styles from './operator.module.css';
import { latest } from './overview';
import { Refused } from './Refused';
import { Rooms } from './Rooms';
import { Tile } from './Tile';
import { Troubles } from './Troubles';
import type { State, Watch } from './watch';

interface Props {
  watch: Watch;
  state: Extract<State, { view: 'open' }>;
}

export function Board({ watch, state }: Props) {
  const { overview, stale, notice } = state;
  const { series } = overview;
  const [status, word] =
    stale !== null
      ? ['bad', 'Not answering']
      : overview.ready
        ? ['good', 'Taking people']
        : ['warn', 'Draining'];

  return (
    <main className={styles.board}>
      <header className={styles.header}>
        <h1>Relay</h1>
        <span className={styles.status} data-status={status} role="status">
          {word}
        </span>
        <span className={styles.soft}>
          {overview.version} · {overview.engine} · up {duration(overview.uptime)}
          {overview.certificate_ends !== null &&
            certificate(overview.certificate_ends - overview.now)}
        </span>
        <span className={styles.actions}>
          <button
            type="button"
            title="Removes what vanished people left. There should be nothing."
            onClick={() => void watch.cleanUp()}
          >
            Clean up
          </button>
          <Confirm
            label="Drain"
            question="Take nobody any more, and end?"
            act={() => watch.drain()}
            disabled={!overview.ready}
          />
          <button type="button" onClick={() => watch.lock()}>
            Lock
          </button>
        </span>
      </header>
      {stale !== null && (
        <p role="alert" className={styles.banner}>
          {stale} What you see is the last that it said.
        </p>
      )}
      {notice !== null && (
        <p role="status" className={styles.notice}>
          {notice}
        </p>
      )}

      <section aria-label="Now" className={styles.tiles}>
        <Tile
          name="Talking"
          value={count(overview.talking)}
          detail={overview.rooms_in_all === 1 ? '1 room' : `${count(overview.rooms_in_all)} rooms`}
        />
        <Tile
          name="Waiting"
          value={count(overview.waiting)}
          detail={
            overview.matches === 1 ? '1 match so far' : `${count(overview.matches)} matches so far`
          }
        />
        <Tile
          name="Connected"
          value={count(overview.people)}
          detail={`of ${count(overview.capacity)} by ${overview.bound} · ${share(overview.used)} of capacity`}
          used={overview.used}
        />
        <Tile
          name="Traffic"
          value={bitrate(latest(series, 'sent'))}
          detail={`out · ${bitrate(latest(series, 'received'))} in`}
        />
        <Tile
          name="CPU"
          value={share(latest(series, 'cpu'))}
          detail={overview.cores === 1 ? 'of 1 core' : `of ${count(overview.cores)} cores`}
          used={latest(series, 'cpu')}
        />
        <Tile
          name="Memory"
          value={bytes(overview.memory)}
          detail={`of ${bytes(overview.memory_limit)}`}
          used={overview.memory / overview.memory_limit}
        />
      </section>

      <section aria-label="The last hour" className={styles.charts}>
        <Chart
          title="People"
          series={series}
          lines={[
            ['talking', 'talking'],
            ['people', 'connected'],
          ]}
          format={count}
          whole
        />
        <Chart
          title="Arrivals and matches a minute"
          series={series}
          lines={[
            ['arrivals', 'arrivals'],
            ['matches', 'matches'],
          ]}
          format={count}
        />
        <Chart
          title="Traffic"
          series={series}
          lines={[
            ['sent', 'out'],
            ['received', 'in'],
          ]}
          format={bitrate}
        />
        <Chart
          title="CPU"
          series={series}
          lines={[
            ['cpu', 'all cores'],
            ['media_cpu', 'busiest media thread'],
          ]}
          format={share}
          atLeast={0.1}
        />
        <Chart
          title="Event loop’s delay, set-up time"
          series={series}
          lines={[
            ['lag', 'delay'],
            ['setup', 'set-up'],
          ]}
          format={delay}
          atLeast={0.05}
        />
        <Chart
          title="Lost on people’s links"
          series={series}
          lines={[
            ['loss_in', 'from them'],
            ['loss_out', 'to them'],
          ]}
          format={share}
          atLeast={0.02}
        />
        <Chart
          title="Pictures frozen, of the time"
          series={series}
          lines={[['frozen', 'frozen']]}
          format={share}
          atLeast={0.02}
        />
        <Chart
          title="Failures a minute, drops a second"
          series={series}
          lines={[
            ['failures', 'failures'],
            ['lost', 'dropped here'],
          ]}
          format={count}
          atLeast={1}
        />
      </section>

      <Rooms
        rooms={overview.rooms}
        inAll={overview.rooms_in_all}
        end={(room) => watch.endRoom(room)}
      />
      <Refused refused={overview.refused} now={overview.now} />
      <Troubles troubles={overview.troubles} now={overview.now} />
    </main>
  );
}

/** Seconds until it ends, as part of a line. */
function certificate(left: number): string {
  return left > 0 ? ` · certificate ends in ${duration(left)}` : ' · certificate has ended';
}
