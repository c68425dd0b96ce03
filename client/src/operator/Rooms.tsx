// Owns the list of conversations: a table, which on a phone becomes cards.

import { useRef } from 'preact/hooks';
import { Confirm } from './Confirm';
import { bitrate, count, delay, duration, share } from './format';
import shared from './operator.module.css';
import styles from './Rooms.module.css';
import type { Room, Side } from './types';

interface Props {
  rooms: readonly Room[];
  inAll: number;
  end: (room: string) => unknown;
}

export function Rooms({ rooms, inAll, end }: Props) {
  const list = useRef<HTMLElement>(null);

  function endOne(room: string) {
    // Its row is about to vanish from under the focus.
    list.current?.focus({ preventScroll: true });
    return end(room);
  }

  return (
    <section ref={list} aria-label="Rooms" className={shared.panel} tabIndex={-1}>
      <h2>
        Rooms <span className={shared.soft}>{count(inAll)}</span>
      </h2>
      {rooms.length === 0 ? (
        <p className={shared.soft}>Nobody is talking.</p>
      ) : (
        <div className={styles.scroll}>
          <table className={styles.rooms}>
            <thead>
              <tr>
                <th>Room</th>
                <th>For</th>
                <th>One side</th>
                <th>Other side</th>
                <th>
                  <span className="visually-hidden">Orders</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {worstFirst(rooms).map((room) => (
                <tr key={room.room_id}>
                  <td data-name="Room">
                    <code title={room.room_id}>{room.room_id.slice(0, 8)}</code> {room.mode}
                  </td>
                  <td data-name="For">{duration(room.seconds)}</td>
                  <td data-name="One side">
                    <SideCell side={room.sides[0]} />
                  </td>
                  <td data-name="Other side">
                    <SideCell side={room.sides[1]} />
                  </td>
                  <td>
                    <Confirm label="End" question="End it?" act={() => endOne(room.room_id)} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {inAll > rooms.length && (
            <p className={shared.soft}>These are the {rooms.length} oldest.</p>
          )}
        </div>
      )}
    </section>
  );
}

function SideCell({ side }: { side: Side | undefined }) {
  if (side === undefined || (side.path === null && side.received === null)) {
    return <span className={shared.soft}>no media</span>;
  }
  return (
    <span className={styles.side} title={side.user}>
      {side.path !== null && <span className={styles.path}>{side.path.replace('_', ' ')}</span>}
      {side.received !== null && <span>sends {bitrate(side.received)}</span>}
      {side.sent !== null && <span>gets {bitrate(side.sent)}</span>}
      {side.frames_per_second !== null && (
        <span data-quality={rated(side)}>
          sees {count(Math.round(side.frames_per_second))} fps
          {side.height !== null && side.height > 0 && ` at ${side.height}p`}
          {side.frozen !== null && side.frozen > 0 && `, ${share(side.frozen)} frozen`}
        </span>
      )}
      {(side.loss_in ?? 0) + (side.loss_out ?? 0) > 0 && (
        <span>
          loses {share(side.loss_in ?? 0)} up, {share(side.loss_out ?? 0)} down
        </span>
      )}
      {side.round_trip !== null && (
        <span className={shared.soft}>{delay(side.round_trip)} away</span>
      )}
      {side.first_frame !== null && (
        <span className={shared.soft}>first frame {delay(side.first_frame)}</span>
      )}
      {side.cap !== null && <span>capped at {bitrate(side.cap)}</span>}
      {side.keyframe_requests !== null && side.keyframe_requests > 0 && (
        <span className={shared.soft}>{count(side.keyframe_requests)} keyframe requests</span>
      )}
      {side.dropped !== null && side.dropped > 0 && (
        <span className={shared.soft}>{count(side.dropped)} dropped</span>
      )}
    </span>
  );
}

/** In their order otherwise. */
function worstFirst(rooms: readonly Room[]): readonly Room[] {
  const poor = (room: Room) => room.sides.some((side) => rated(side) === 'poor');
  return [...rooms.filter(poor), ...rooms.filter((room) => !poor(room))];
}

/** Above a twentieth of the time frozen, or below twelve frames a second, a picture is no pleasure. */
function rated({ frozen, frames_per_second: frames }: Side): 'good' | 'poor' {
  return (frozen ?? 0) > 0.05 || (frames ?? Number.POSITIVE_INFINITY) < 12 ? 'poor' : 'good';
}
