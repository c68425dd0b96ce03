// Owns every sentence about the state of things (those about obstacles in obstacle_words.ts). Plain
// words: no codes, and nothing that a person could not act on.

import { obstacleOf } from '../core/obstacle';
import type { Mode, PartingReason } from '../core/protocol';
import type { PersonEvent, Session } from '../core/state';
import { seconds, wordsForObstacle } from './obstacle_words';

export interface Words {
  readonly status: string;
  readonly hint?: string;
  /** The way on, where it is none of the usual buttons. */
  readonly action?: { readonly label: string; readonly does: PersonEvent };
}

/** What stands in the way comes before how far things have got. */
export function wordsFor(session: Session): Words {
  const obstacle = obstacleOf(session);
  return obstacle === null ? wordsForPhase(session) : wordsForObstacle(session, obstacle);
}

function wordsForPhase(session: Session): Words {
  const { phase, mode } = session;
  switch (phase.name) {
    case 'idle':
      return { status: 'Ready when you are', hint: 'Start pairs you with someone at random.' };
    case 'waiting':
      return {
        status:
          phase.after === null
            ? 'Looking for a partner…'
            : `${PARTED[phase.after]}. Looking for another…`,
        hint: WAITING[mode],
      };
    case 'talking':
      return { status: 'You are talking with a stranger', hint: talkingHint(mode, phase.partner) };
    case 'parted':
      return { status: PARTED[phase.reason], hint: 'Next finds you another.' };
    case 'cooling':
      return {
        status: 'A short pause',
        hint: `You moved on very quickly. The search goes on by itself in ${seconds(phase.seconds)}.`,
      };
  }
}

function talkingHint(mode: Mode, partner: { readonly camera: boolean }): string {
  if (mode === 'text') return 'Only the two of you read what you write.';
  if (mode === 'audio') return 'You hear each other, and nobody sees anybody.';
  return partner.camera ? 'Their picture is on its way…' : 'Your partner turned their camera off';
}

const WAITING: Record<Mode, string> = {
  video: 'You are not seen or heard until one is found.',
  audio: 'You are not heard until one is found.',
  text: 'You share nothing but what you write.',
};

const PARTED: Record<PartingReason | 'link_lost', string> = {
  next: 'Your partner went on to the next person',
  left: 'Your partner left',
  disconnected: 'Your partner lost their connection',
  server_stopping: 'The server is about to stop',
  link_lost: 'Your conversation was cut off',
};
