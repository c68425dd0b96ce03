// What is read out as it happens, beyond the headline.

import type { DeviceKind } from '../../core/machine/devices';

export function partnersDevice(kind: DeviceKind, on: boolean): string {
  return `Your partner’s ${kind} is ${on ? 'on' : 'off'}`;
}

export function partnerWrote(text: string): string {
  return `Partner: ${text}`;
}
