// Owns the choice of one microphone or camera. It shows the one that is open, not the one that was
// asked for: the browser may have given another.

import type { DeviceKind } from '../core/machine/devices';
import type { PersonEvent } from '../core/machine/events';
import type { Capture, Session } from '../core/machine/state';
import { devices as words } from '../words';
import styles from './DevicePicker.module.css';

interface DevicePickerProps {
  readonly session: Session;
  readonly kind: DeviceKind;
  readonly onAct: (event: PersonEvent) => void;
}

export function DevicePicker({ session: { capture, devices }, kind, onAct }: DevicePickerProps) {
  const open = capture.name === 'open' ? capture.using[kind] : null;
  const choices = devices[kind];
  const usable = capture.name === 'open' && choices.length > 0;
  return (
    <label className={styles.picker}>
      <span>{words.names[kind]}</span>
      <select
        value={open ?? ''}
        disabled={!usable}
        onChange={({ currentTarget }) =>
          onAct({ type: 'choose_device', kind, id: currentTarget.value })
        }
      >
        {!choices.some(({ id }) => id === open) && (
          <option value="">{nothingOpen(capture, kind)}</option>
        )}
        {choices.map(({ id, label }, index) => (
          <option key={id} value={id}>
            {label === '' ? words.numbered(kind, index + 1) : label}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Why no device is open, as the place of a choice. */
function nothingOpen(capture: Capture, kind: DeviceKind): string {
  if (capture.name !== 'open') return words.notOpen;
  if (capture.lost[kind] !== null) return words.chooseOne;
  const why = capture.absent[kind];
  return why === 'refused' || why === 'insecure' ? words.notAllowed : words.notAvailable;
}
