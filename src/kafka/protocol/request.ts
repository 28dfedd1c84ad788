import type { WireReader } from './wire-reader.ts';
import type { WireWriter } from './wire-writer.ts';

/**
 * One call of Kafka's protocol, pinned to one version that brokers from 2.8 to 4.x all speak: no version negotiation, no
 * round trip for it. Only Fetch has two, see fetch.ts.
 */
export interface ApiCall<Request, Response> {
  readonly name: string;
  readonly key: number;
  readonly version: number;
  /** Which headers end in tagged fields: both, as those of all flexible versions do, unless the call is an exception. */
  readonly tagged?: { readonly request: boolean; readonly response: boolean };
  write(writer: WireWriter, request: Request): void;
  read(reader: WireReader): Response;
}
