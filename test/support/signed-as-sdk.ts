import { SignatureV4 } from '@smithy/signature-v4';
import type { AwsCredentials } from '../../src/aws-signature.ts';
import type { Seen } from './answering-server.ts';
import { Sha256 } from './sha256.ts';

/** What the SDK's signer would have put into the header `authorization` of this request. */
export async function signedAsSdk(
  { path, headers, body }: Seen,
  access: { readonly service: string; readonly region: string; readonly credentials: AwsCredentials },
): Promise<string | undefined> {
  const unsigned = ['authorization', 'connection', 'content-length', 'user-agent'];
  const signedHeaders = Object.fromEntries(
    Object.entries(headers as Record<string, string>).filter(([name]) => !unsigned.includes(name)),
  );
  const judge = new SignatureV4({ ...access, sha256: Sha256, applyChecksum: false });
  const at = headers['x-amz-date'] as string;
  const signingDate = new Date(at.replace(/(....)(..)(..)T(..)(..)(..)Z/, '$1-$2-$3T$4:$5:$6Z'));
  const request = { method: 'POST', protocol: 'http:', hostname: '127.0.0.1', path, query: {}, body };
  const signed = await judge.sign({ ...request, headers: signedHeaders }, { signingDate });
  return signed.headers.authorization;
}
