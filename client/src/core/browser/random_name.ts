// Owns the names that we give: to messages, and to the tabs of one browser together.

/**
 * 128 random bits in hexadecimal. `crypto.randomUUID` would do, but exists in secure contexts only
 * (W3C Web Crypto), and writing to each other works without one.
 */
export function randomName(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
