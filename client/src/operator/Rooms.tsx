// Owns the list of conversations: a table, which on a phone becomes cards.

import { useRef } from 'preact/hooks';
import { figures, rooms as words } from '../words';
import { Confirm } from './Confirm';
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
    <section ref={list} aria-label={words.title} className={shared.panel} tabIndex={-1}>
      <h2>
        {words.title} <span className={shared.soft}>{figures.count(inAll)}</span>
      </h2>
      {rooms.length === 0 ? (
        <p className={shared.soft}>{words.nobodyTalks}</p>
      ) : (
        <div className={styles.scroll}>
          <table className={styles.rooms}>
            <thead>
              <tr>
                <th>{words.columns.room}</th>
                <th>{words.columns.since}</th>
                <th>{words.columns.one}</th>
                <th>{words.columns.other}</th>
                <th>
                  <span className="visually-hidden">{words.columns.orders}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {worstFirst(rooms).map((room) => (
                <tr key={room.room_id}>
                  <td data-name={words.columns.room}>
                    <code title={room.room_id}>{room.room_id.slice(0, 8)}</code> {room.mode}
                  </td>
                  <td data-name={words.columns.since}>{figures.duration(room.seconds)}</td>
                  <td data-name={words.columns.one}>
                    <SideCell side={room.sides[0]} />
                  </td>
                  <td data-name={words.columns.other}>
                    <SideCell side={room.sides[1]} />
                  </td>
                  <td>
                    <Confirm
                      label={words.end}
                      question={words.endQuestion}
                      act={() => endOne(room.room_id)}
                    />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {inAll > rooms.length && <p className={shared.soft}>{words.oldest(rooms.length)}</p>}
        </div>
      )}
    </section>
  );
}

function SideCell({ side }: { side: Side | undefined }) {
  if (side === undefined || (side.path === null && side.received === null)) {
    return <span className={shared.soft}>{words.noMedia}</span>;
  }
  return (
    <span className={styles.side} title={side.user}>
      {side.path !== null && <span className={styles.path}>{side.path.replace('_', ' ')}</span>}
      {side.received !== null && <span>{words.sends(side.received)}</span>}
      {side.sent !== null && <span>{words.gets(side.sent)}</span>}
      {side.frames_per_second !== null && (
        <span data-quality={rated(side)}>
          {words.sees(side.frames_per_second, side.height, side.frozen)}
        </span>
      )}
      {(side.loss_in ?? 0) + (side.loss_out ?? 0) > 0 && (
        <span>{words.loses(side.loss_in ?? 0, side.loss_out ?? 0)}</span>
      )}
      {side.round_trip !== null && (
        <span className={shared.soft}>{words.away(side.round_trip)}</span>
      )}
      {side.first_frame !== null && (
        <span className={shared.soft}>{words.firstFrame(side.first_frame)}</span>
      )}
      {side.cap !== null && <span>{words.capped(side.cap)}</span>}
      {side.keyframe_requests !== null && side.keyframe_requests > 0 && (
        <span className={shared.soft}>{words.keyframeRequests(side.keyframe_requests)}</span>
      )}
      {side.dropped !== null && side.dropped > 0 && (
        <span className={shared.soft}>{words.dropped(side.dropped)}</span>
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
