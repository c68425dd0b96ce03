// Owns every sentence about the state of things (those about obstacles in obstacle_words.ts). Plain
// words: no codes, and nothing that a person could not act on.

import type { DeviceFailure } from '../core/devices';
import { isRepairing } from '../core/negotiation';
import { type Obstacle, obstacleOf } from '../core/obstacle';
import type { Mode } from '../core/protocol';
import { shared } from '../core/sharing';
import type { Parting, Partner, PersonEvent, Session, WayBack } from '../core/state';
import type { Picture } from './frame_watch';
import { hintBeforeStart, seconds, wordsForObstacle } from './obstacle_words';
import { supportCode } from './support_code';

export interface Words {
  readonly status: string;
  readonly hint?: string;
  /** Seconds until it happens. */
  readonly within?: number;
  /** The way on, where it is none of the usual buttons. */
  readonly action?: { readonly label: string; readonly does: PersonEvent };
}

/**
 * What stands in the way comes before how far things have got. `sight`: what there is to see of the partner, as
 * only the <video> can tell.
 */
export function wordsFor(session: Session, sight: Picture | null): Words {
  const obstacle = obstacleOf(session);
  if (obstacle === null) return wordsForPhase(session, sight);
  const words = wordsForObstacle(session, obstacle, sight);
  const code = supportCode(session);
  return code === null || !IN_THE_LOG.includes(obstacle.name)
    ? words
    : { ...words, hint: [words.hint, `Support code ${code}.`].filter(Boolean).join(' ') };
}

/** What the relay's log says more of. */
const IN_THE_LOG: readonly Obstacle['name'][] = ['connection_failed', 'link_lost', 'reconnecting'];

function wordsForPhase(session: Session, sight: Picture | null): Words {
  const { phase } = session;
  switch (phase.name) {
    case 'idle':
      return { status: 'Ready when you are', hint: hintBeforeStart(session) };
    case 'waiting':
      if (session.back !== null) return wordsForBack(session.back);
      return {
        status:
          phase.after === null
            ? 'Looking for a partner…'
            : `${PARTED[phase.after]}. Looking for another…`,
        hint: phase.ownTab === true ? OWN_TAB : waitingHint(session),
      };
    case 'talking':
      return (
        wordsForInterruption(session, sight) ?? {
          status: talkingStatus(session),
          hint: talkingHint(session, phase.partner),
          ...(session.link.name === 'open' &&
            session.link.draining !== null && { within: session.link.draining }),
        }
      );
    case 'parted':
      if (session.back !== null) return wordsForBack(session.back);
      return { status: PARTED[phase.reason], hint: 'Next finds you another.' };
    case 'cooling':
      return {
        status: 'A short pause',
        hint: `You moved on very quickly. The search goes on by itself in ${seconds(phase.seconds)}.`,
        within: phase.seconds,
      };
  }
}

/** For the few seconds in which a Next may be undone. */
function wordsForBack({ step }: WayBack): Words {
  switch (step) {
    case 'open':
      return {
        status: 'Looking for a partner…',
        hint: 'Back asks your last partner whether they come back.',
        action: BACK,
      };
    case 'asked':
      return {
        status: 'Looking for a partner…',
        hint: 'Your last partner is asked whether they come back.',
      };
    case 'wished':
      return {
        status: 'Your last partner would like to come back',
        hint: 'Back brings the two of you together again.',
        action: BACK,
      };
  }
}

const BACK = { label: 'Back', does: { type: 'back' } } as const;

/** What is to be read in the place of the person's own picture. */
export function wordsForSelf({ capture, mode, on }: Session): string {
  if (mode !== 'video') return mode === 'audio' ? 'Audio only' : 'Text only';
  if (!on.camera) return 'Camera off';
  switch (capture.name) {
    case 'off':
      return 'No camera';
    case 'closed':
      return 'Your camera is not open yet';
    case 'asking':
      return 'Waiting for your browser';
    case 'open':
      if (capture.muted.camera) return 'Camera turned off by your system';
      return NO_CAMERA[capture.lost.camera ?? capture.absent.camera ?? 'other'];
  }
}

const NO_CAMERA: Record<DeviceFailure | 'ended', string> = {
  ended: 'Camera disconnected',
  refused: 'Camera not allowed',
  none: 'No camera',
  in_use: 'Camera in use elsewhere',
  insecure: 'No camera without https',
  other: 'Camera could not be opened',
};

/** What is missing in a conversation, and comes back by itself if it can. */
function wordsForInterruption(session: Session, sight: Picture | null): Words | null {
  const { phase, mode } = session;
  if (phase.name === 'talking' && phase.partner.away) {
    return {
      status: 'Your partner is reconnecting…',
      hint: 'Their connection was lost. They may be back in a moment.',
    };
  }
  if (isRepairing(session)) {
    return {
      status: mode === 'audio' ? 'Reconnecting sound…' : 'Reconnecting picture and sound…',
      hint: 'You can still write to each other.',
    };
  }
  if (session.playback === 'stopped') {
    return {
      status:
        mode === 'audio' ? 'Your browser stopped the sound' : 'Your browser stopped the picture',
      hint: 'A call or another program may have taken it.',
      action: { label: 'Play', does: { type: 'play' } },
    };
  }
  if (sight === null || sight === 'moving') return null;
  return {
    status: `No picture from your partner ${sight === 'late' ? 'yet' : 'right now'}`,
    hint: 'It comes by itself as soon as it gets through.',
  };
}

function talkingStatus({ link }: Session): string {
  if (link.name !== 'open' || link.draining === null) return 'You are talking with a stranger';
  return `This server restarts in up to ${seconds(link.draining)}`;
}

function talkingHint(session: Session, partner: Partner): string {
  const { mode } = session;
  if (mode === 'text') return 'Only the two of you read what you write.';
  if (mode === 'audio') {
    const both = partner.microphone && shared(session).microphone;
    return both ? 'You hear each other, and nobody sees anybody.' : 'Nobody sees anybody.';
  }
  if (partner.camera && partner.unseen)
    return 'Your browser cannot show their kind of picture, and the server is too busy to convert it.';
  return partner.camera ? 'Their picture is on its way…' : 'Their camera is off';
}

const OWN_TAB = 'Your other tab is waiting, too. To try it with yourself, open a private window.';

function waitingHint(session: Session): string {
  const { microphone, camera } = shared(session);
  if (camera && microphone) return 'You are not seen or heard until one is found.';
  if (camera || microphone) return `You are not ${camera ? 'seen' : 'heard'} until one is found.`;
  return WITHOUT_DEVICES[session.mode];
}

const WITHOUT_DEVICES: Record<Mode, string> = {
  video: 'You will see and hear them, and they read what you write.',
  audio: 'You will hear them, and they read what you write.',
  text: 'You share nothing but what you write.',
};

const PARTED: Record<Parting, string> = {
  next: 'Your partner went on to the next person',
  left: 'Your partner left',
  disconnected: 'Your partner lost their connection',
  operator: 'The operator of this site ended your conversation',
  server_stopping: 'The server had to restart',
  link_lost: 'Your conversation was cut off',
  while_away: 'Your partner left while you were reconnecting',
};
