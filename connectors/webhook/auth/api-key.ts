import { createHash, timingSafeEqual } from 'node:crypto';
import { Refusal } from '../refusal.ts';
import type { HookRequest } from '../request.ts';
import type { Authenticate } from './authenticate.ts';

/** Any of `keys` will do. Digests are compared, all of them: how long it takes tells nothing of a key nor of which was right. */
export function apiKeyAuth(header: string, keys: readonly string[]): Authenticate {
  const digests = keys.map(digest);
  const name = header.toLowerCase();
  const bearer = name === 'authorization';
  return ({ headers }: HookRequest) => {
    const sent = headers[name];
    const challenge = { headers: { 'www-authenticate': bearer ? 'Bearer' : `ApiKey header="${header}"` } };
    if (sent === undefined) {
      throw new Refusal(
        401,
        `This hook needs an API key: send it as "${header}: ${bearer ? 'Bearer ' : ''}<key>"`,
        challenge,
      );
    }
    const given = digest(bearer ? sent.replace(/^Bearer +/i, '') : sent);
    let known = false;
    for (const one of digests) known = timingSafeEqual(one, given) || known;
    if (!known) throw new Refusal(401, `The API key in ${header} is none of this hook`, challenge);
  };
}

const digest = (text: string) => createHash('sha256').update(text).digest();
