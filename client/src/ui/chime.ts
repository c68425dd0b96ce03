// Owns the soft sounds that call somebody back to the page. They are made here: there is no file to fetch.

/** Hertz: two that rise for a person, one for a message. */
const TONES = { found: [587, 880], message: [740] } as const;

const TONE_SECONDS = 0.22;

/** Of the loudest that there is. */
const VOLUME = 0.06;

/** Plays it, where the browser lets a page be heard that was pressed before. */
export function chime(what: keyof typeof TONES): void {
  try {
    const context = new AudioContext();
    let at = context.currentTime;
    for (const tone of TONES[what]) {
      play(context, tone, at);
      at += TONE_SECONDS * 0.7;
    }
    setTimeout(() => void context.close().catch(() => undefined), 1_500);
  } catch {
    // A browser without sound, or with too many sounds already: the title tells.
  }
}

function play(context: AudioContext, frequency: number, at: number): void {
  const tone = new OscillatorNode(context, { frequency });
  const volume = new GainNode(context, { gain: 0 });
  volume.gain.setValueAtTime(0, at);
  volume.gain.linearRampToValueAtTime(VOLUME, at + 0.02);
  volume.gain.exponentialRampToValueAtTime(0.001, at + TONE_SECONDS);
  tone.connect(volume).connect(context.destination);
  tone.start(at);
  tone.stop(at + TONE_SECONDS);
}
