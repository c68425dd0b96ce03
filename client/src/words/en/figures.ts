// Figures as people read them.

/** How this language is written (BCP 47): the separators of numbers, and the time of day. */
const NUMBERS = 'en';
const TIMES = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });

/** 1234567 bits per second: `1.2 Mbit/s`. */
export function bitrate(bits: number): string {
  return scaled(bits, 1000, ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s']);
}

/** 1048576 bytes: `1.0 MiB`. */
export function bytes(amount: number): string {
  return scaled(amount, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB']);
}

/** 0.256: `26 %`. */
export function share(of: number): string {
  return `${of > 0 && of < 0.0995 ? (of * 100).toFixed(1) : Math.round(of * 100)} %`;
}

/** 0.0123 seconds: `12 ms`. */
export function delay(seconds: number): string {
  if (seconds >= 1) return `${seconds.toFixed(1)} s`;
  const milliseconds = seconds * 1000;
  return `${milliseconds >= 10 || milliseconds === 0 ? Math.round(milliseconds) : milliseconds.toFixed(1)} ms`;
}

/** 3725 seconds: `1 h 2 min`. */
export function duration(seconds: number): string {
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
}

/** 1234: `1,234`. A rate below ten keeps a decimal. */
export function count(amount: number): string {
  const rounded = amount < 10 ? Math.round(amount * 10) / 10 : Math.round(amount);
  return rounded.toLocaleString(NUMBERS);
}

/** Seconds since 1970, as the time of day where the page is read: `15:04:05`. */
export function clock(at: number): string {
  return TIMES.format(at * 1000);
}

function scaled(value: number, step: number, units: string[]): string {
  let left = value;
  let unit = 0;
  while (left >= step && unit < units.length - 1) {
    left /= step;
    unit += 1;
  }
  return `${left >= 100 || unit === 0 ? Math.round(left) : left.toFixed(1)} ${units[unit]}`;
}
