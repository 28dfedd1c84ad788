import type { WireReader } from './wire-reader.ts';
import type { WireWriter } from './wire-writer.ts';

/**
 * One call of Kafka's protocol, pinned to one flexible version that brokers from 2.8 to 4.x all speak: no version
 * negotiation, no round trip for it.
 */
export interface ApiCall<Request, Response> {
  readonly name: string;
  readonly key: number;
  readonly version: number;
  write(writer: WireWriter, request: Request): void;
  read(reader: WireReader): Response;
}
