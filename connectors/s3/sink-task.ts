import { ConnectError, type SinkTask } from '../../src/api/index.ts';
import type { Dialect } from './sink.ts';

export class S3SinkTask implements SinkTask {
  constructor(_dialect: Dialect) {}
  start(): void {}
  put(): void {
    throw new ConnectError('s3.unfinished', 'not yet');
  }
  stop(): void {}
}
