// Owns the picture of what the browser asks, for who does not see that it asks: a window, its question, the button to press.

import styles from './AskingPicture.module.css';

export function AskingPicture() {
  return (
    <svg
      className={styles.picture}
      viewBox="0 0 160 96"
      fill="none"
      stroke="currentColor"
      aria-hidden="true"
    >
      <rect x="1" y="1" width="158" height="94" rx="8" stroke-width="2" />
      <path d="M1 18h158" stroke-width="2" />
      <path d="M10 10h2M18 10h2M26 10h2" stroke-width="3" stroke-linecap="round" />
      <rect x="12" y="26" width="98" height="58" rx="6" stroke-width="2" />
      <rect x="22" y="36" width="16" height="11" rx="2" stroke-width="2" />
      <path d="m38 40 7-3v9l-7-3" stroke-width="2" stroke-linejoin="round" />
      <path d="M52 41h46" stroke-width="3" stroke-linecap="round" />
      <rect
        x="22"
        y="60"
        width="34"
        height="15"
        rx="7"
        fill="var(--accent)"
        stroke="var(--accent)"
      />
      <path
        d="m33 67 4 4 7-7"
        stroke="var(--on-accent)"
        stroke-width="2.5"
        stroke-linecap="round"
      />
      <rect x="64" y="60" width="34" height="15" rx="7" stroke-width="1.5" />
    </svg>
  );
}
