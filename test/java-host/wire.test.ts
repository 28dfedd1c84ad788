import { expect, test } from 'vitest';
import { FrameReader, FrameWriter, frameType, headBytes } from '../../src/java-host/wire.ts';

const times = [0n, 1n, -1n, 1_700_000_000_123n, -62_135_596_800_000n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)];

test.each(times)('%i is read as the nearest number, as by a bigint', (time) => {
  const frame = new FrameWriter().begin().int64(time).end(frameType.poll, 1);
  expect(new FrameReader(frame.subarray(headBytes)).time()).toBe(Number(time));
});
