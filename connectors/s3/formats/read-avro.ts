import type { ByteSource, ObjectReader, ReadLimits } from './read.ts';

export function openAvro(_source: ByteSource, _position: number, _limits: ReadLimits): Promise<ObjectReader> {
  throw new Error('to come');
}
