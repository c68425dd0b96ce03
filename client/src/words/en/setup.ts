// What a person decides before they start.

import type { Mode } from '../../core/protocol';

export const whatToShare = 'What to share';

export const modes: Record<Mode, string> = {
  video: 'Video',
  audio: 'Audio only',
  text: 'Text only',
};

export const privacy: Record<Mode, string> = {
  video:
    'Nobody sees or hears you until you are paired, and then only your partner does. Picture and sound travel through this server, so your partner never learns your network address.',
  audio:
    'Nobody hears you until you are paired, and then only your partner does. Sound travels through this server, so your partner never learns your network address.',
  text: 'Your camera and microphone stay closed. Only your partner reads what you write, and never learns your network address.',
};

export const searchOn = 'Search on when my partner leaves';
export const softSound = 'Soft sound when I am in another tab';

export function supportCode(code: string): string {
  return `Support code ${code}`;
}
