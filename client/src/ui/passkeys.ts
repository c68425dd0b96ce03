// Owns asking the browser for a passkey. Bytes cross the network in base64url (RFC 4648, section 5); the browser's own
// reading and writing of it is younger than some browsers that have passkeys.

/** What `navigator.credentials.create` is given, with its bytes as text. */
export interface CreationOptions {
  challenge: string;
  user: { id: string; name: string; displayName: string };
  excludeCredentials?: readonly { id: string; type: 'public-key' }[];
}

/** What `navigator.credentials.get` is given, with its bytes as text. */
export interface RequestOptions {
  challenge: string;
  allowCredentials?: readonly { id: string; type: 'public-key' }[];
}

/** Whether this browser has passkeys, and the page may ask for them. */
export function hasPasskeys(): boolean {
  return typeof PublicKeyCredential === 'function' && isSecureContext;
}

/** A new passkey, for the server; null: the person wants none, or has no place for one. */
export async function makePasskey(options: CreationOptions): Promise<unknown | null> {
  const made = await asked(() =>
    navigator.credentials.create({
      publicKey: {
        ...options,
        challenge: bytes(options.challenge),
        user: { ...options.user, id: bytes(options.user.id) },
        excludeCredentials: known(options.excludeCredentials),
      } as PublicKeyCredentialCreationOptions,
    }),
  );
  if (made === null) return null;
  const response = made.response as AuthenticatorAttestationResponse;
  return {
    ...named(made),
    response: {
      clientDataJSON: text(response.clientDataJSON),
      attestationObject: text(response.attestationObject),
    },
  };
}

/** What a passkey has signed, for the server; null: the person wants none, or has none. */
export async function usePasskey(options: RequestOptions): Promise<unknown | null> {
  const used = await asked(() =>
    navigator.credentials.get({
      publicKey: {
        ...options,
        challenge: bytes(options.challenge),
        allowCredentials: known(options.allowCredentials),
      } as PublicKeyCredentialRequestOptions,
    }),
  );
  if (used === null) return null;
  const response = used.response as AuthenticatorAssertionResponse;
  return {
    ...named(used),
    response: {
      clientDataJSON: text(response.clientDataJSON),
      authenticatorData: text(response.authenticatorData),
      signature: text(response.signature),
      userHandle: response.userHandle === null ? null : text(response.userHandle),
    },
  };
}

async function asked(ask: () => Promise<Credential | null>): Promise<PublicKeyCredential | null> {
  try {
    return (await ask()) as PublicKeyCredential | null;
  } catch {
    // Browsers tell nobody whether the person said no, had no such passkey or took too long.
    return null;
  }
}

function named(credential: PublicKeyCredential) {
  return { id: credential.id, rawId: text(credential.rawId), type: credential.type };
}

function known(
  credentials: readonly { id: string; type: 'public-key' }[] = [],
): PublicKeyCredentialDescriptor[] {
  return credentials.map(({ id, type }) => ({ id: bytes(id), type }));
}

function bytes(written: string): ArrayBuffer {
  const plain = atob(written.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(plain, (character) => character.charCodeAt(0)).buffer;
}

function text(raw: ArrayBuffer): string {
  const plain = String.fromCharCode(...new Uint8Array(raw));
  return btoa(plain).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
