import { describe, expect, it } from 'vitest';
import { DataError, RetriableError, SerializationError } from '../../../src/errors.ts';
import type { EventName } from '../../../src/telemetry/events.ts';
import { ErrorTolerance, type TolerantRun } from '../../../src/worker/record/error-tolerance.ts';
import { errorClassName, type Failure, type Stage } from '../../../src/worker/record/failure.ts';

/** Time passes when it pauses. */
function fakeRun() {
  let now = 1_000_000;
  const pauses: number[] = [];
  const events: EventName[] = [];
  const run: TolerantRun = {
    about: { connector: 'c', task: 0 },
    host: { clock: { now: () => now } },
    report: {
      emit: (event) => events.push(event),
      skipped: (stage, records) => events.push(`${stage} ${records}` as EventName),
    },
    bounds: {
      pause: async (ms) => {
        pauses.push(ms);
        now += ms;
        return true;
      },
    },
  };
  return { run, pauses, events, now: () => now };
}

const failure = (stage: Stage, error: unknown, attempt = 1, failedAt = 1_000_000): Failure => ({
  stage,
  executingClass: 'X',
  error,
  attempt,
  failedAt,
  record: null,
  consumed: null,
});

describe('ErrorTolerance (KIP-298)', () => {
  it.each(['TRANSFORMATION', 'KEY_CONVERTER', 'VALUE_CONVERTER', 'HEADER_CONVERTER'] as const)(
    'ends the run at any error in %s, or skips the record where all is tolerated',
    async (stage) => {
      const { run, events } = fakeRun();
      const error = new DataError('bad');
      const none = new ErrorTolerance(run, {}, null).onFailure(failure(stage, error));
      await expect(none).rejects.toMatchObject({
        message: `Tolerance exceeded in error handler: stage '${stage}' with class 'X', where there is no record`,
        cause: error,
      });
      const all = new ErrorTolerance(run, { 'errors.tolerance': 'all' }, null);
      expect(await all.onFailure(failure(stage, error))).toBe('skip');
      expect(events).toEqual([`${stage} 1`]);
    },
  );

  it('says which record has ended the run, and nothing of what is in it', async () => {
    const consumed = {
      topic: 'orders',
      kafkaPartition: 1,
      kafkaOffset: 4,
      timestamp: null,
      key: null,
      value: Buffer.from('secret'),
      headers: [],
    };
    const failing = new ErrorTolerance(fakeRun().run, {}, null).onFailure({
      ...failure('VALUE_CONVERTER', new DataError('bad')),
      consumed,
    });
    const where = "consumed record is {topic='orders', partition=1, offset=4}";
    await expect(failing).rejects.toThrow(
      `Tolerance exceeded in error handler: stage 'VALUE_CONVERTER' with class 'X', where ${where}`,
    );
  });

  it('tolerates only retriable errors of other stages', async () => {
    const all = new ErrorTolerance(fakeRun().run, { 'errors.tolerance': 'all' }, null);
    const error = new DataError('bad');
    await expect(all.onFailure(failure('KAFKA_PRODUCE', error))).rejects.toBe(error);
    expect(await all.onFailure(failure('KAFKA_PRODUCE', new RetriableError('busy')))).toBe('skip');
  });

  it('repeats with doubled pauses up to the longest, until the time is up', async () => {
    const { run, pauses, now } = fakeRun();
    const policy = new ErrorTolerance(
      run,
      { 'errors.retry.timeout': '5000', 'errors.retry.delay.max.ms': '1000', 'errors.tolerance': 'all' },
      null,
    );
    const started = now();
    let verdict = '';
    for (let attempt = 1; verdict !== 'skip'; attempt++) {
      verdict = await policy.onFailure(failure('VALUE_CONVERTER', new RetriableError('busy'), attempt, started));
    }
    expect(pauses).toEqual([300, 600, 1000, 1000, 1000, 1000, 100]);
  });

  it('repeats for ever with a timeout of -1, and not at all by default', async () => {
    const { run } = fakeRun();
    const error = new RetriableError('busy');
    const forever = new ErrorTolerance(run, { 'errors.retry.timeout': '-1' }, null);
    expect(await forever.onFailure(failure('TRANSFORMATION', error, 1000, 0))).toBe('retry');
    await expect(new ErrorTolerance(run, {}, null).onFailure(failure('TRANSFORMATION', error))).rejects.toThrow(
      'Tolerance',
    );
  });

  it('stops in front of the record when the run ends while it waits, and neither skips it nor tries on and on', async () => {
    const { run: lasting, events } = fakeRun();
    const run: TolerantRun = { ...lasting, bounds: { pause: async () => false } };
    const error = new RetriableError('busy');
    const policy = new ErrorTolerance(run, { 'errors.retry.timeout': '-1', 'errors.tolerance': 'all' }, null);
    await expect(policy.onFailure(failure('TRANSFORMATION', error))).rejects.toBe(error);
    expect(events).toEqual(['task.retry']);
  });

  it('logs only where asked, and is case-sensitive about what is tolerated', async () => {
    const { run, events } = fakeRun();
    const logging = new ErrorTolerance(run, { 'errors.tolerance': 'all', 'errors.log.enable': 'true' }, null);
    await logging.onFailure(failure('TRANSFORMATION', new DataError('bad')));
    expect(events).toEqual(['record.failed', 'TRANSFORMATION 1']);
    expect(() => new ErrorTolerance(run, { 'errors.tolerance': 'ALL' }, null)).toThrow('errors.tolerance');
  });
});

describe('errorClassName', () => {
  it.each([
    [new DataError('x'), 'org.apache.kafka.connect.errors.DataException'],
    [new RetriableError('x'), 'org.apache.kafka.connect.errors.RetriableException'],
    [new SerializationError('x'), 'org.apache.kafka.common.errors.SerializationException'],
    [new TypeError('x'), 'TypeError'],
    ['text', 'string'],
  ])('%s is %s', (error, name) => {
    expect(errorClassName(error)).toBe(name);
  });
});
