// Owns every sentence about the state of things. Plain words: no codes, and nothing that a person
// could not act on.

import type { CameraFailure } from '../core/camera';
import type { PartingReason } from '../core/protocol';
import type { LinkLoss } from '../core/signalling';
import type { Phase, Session } from '../core/state';

export interface Words {
  readonly status: string;
  /** What to do about it, where there is something to do. */
  readonly hint?: string;
}

/** What stands in the way comes before how far things have got. */
export function wordsFor(session: Session): Words {
  const { camera, link, connection, phase } = session;
  if (link.name === 'lost') return LOST[link.loss];
  if (camera.name === 'failed') return NO_CAMERA[camera.failure];
  if (camera.name === 'asking') {
    return {
      status: 'Allow camera and microphone to begin',
      hint: 'Your browser is asking. Nobody sees you yet.',
    };
  }
  if (link.name === 'connecting') return { status: 'Connecting to the server…' };
  if (connection === 'failed') {
    return {
      status: 'Video could not get through',
      hint: 'Your network may be blocking it. Try another network, then reload this page.',
    };
  }
  return wordsForPhase(phase);
}

function wordsForPhase(phase: Phase): Words {
  switch (phase.name) {
    case 'idle':
      return { status: 'Ready when you are', hint: 'Start pairs you with someone at random.' };
    case 'waiting':
      return { status: 'Looking for a partner…', hint: 'You are not seen until one is found.' };
    case 'talking':
      return { status: 'You are talking with a stranger', hint: 'Their picture is on its way…' };
    case 'partner_left':
      return { status: PARTED[phase.reason], hint: 'Next finds you another.' };
  }
}

const PARTED: Record<PartingReason, string> = {
  next: 'Your partner went on to the next person',
  left: 'Your partner left',
  disconnected: 'Your partner lost their connection',
  server_stopping: 'The server is about to stop',
};

const LOST: Record<LinkLoss, Words> = {
  closed: {
    status: 'The connection to the server was lost',
    hint: 'Check your network, then reload this page.',
  },
  server_stopping: {
    status: 'The connection to the server was lost',
    hint: 'The server has stopped. Reload this page in a few minutes.',
  },
  server_full: {
    status: 'The server is full right now',
    hint: 'Reload this page in a few minutes.',
  },
  too_slow: {
    status: 'The connection to the server was lost',
    hint: 'Your network was too slow to keep up. Reload this page to try again.',
  },
};

const NO_CAMERA: Record<CameraFailure, Words> = {
  refused: {
    status: 'Camera and microphone were not allowed',
    hint: 'Allow them in your browser’s settings for this page, then reload it.',
  },
  none: {
    status: 'No camera or microphone was found',
    hint: 'Connect both, then reload this page.',
  },
  in_use: {
    status: 'Your camera or microphone is in use',
    hint: 'Close the other program that uses it, then reload this page.',
  },
  insecure: {
    status: 'Camera and microphone need a secure page',
    hint: 'Open this page with an address that begins with https.',
  },
  other: {
    status: 'Camera and microphone could not be opened',
    hint: 'Reload this page to try again.',
  },
};
