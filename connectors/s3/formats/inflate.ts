import { Readable, type Transform } from 'node:stream';
import { ConnectError, DataError } from '../../../src/api/index.ts';

/** Of what is unpacked. */
export const pieceBytes = 1 << 18;

/** What the engine makes of packed bytes. Damage is a DataError where it is met; what the input fails with stays as it is. */
export async function* inflate(
  packed: AsyncGenerator<Buffer, void, undefined>,
  engine: Transform,
  name: string,
): AsyncGenerator<Buffer, void, undefined> {
  const input = Readable.from(packed, { objectMode: false });
  let failure: unknown = null;
  input.once('error', (error) => {
    failure = error;
    engine.destroy(error);
  });
  input.pipe(engine);
  try {
    for await (const piece of engine) yield piece as Buffer;
  } catch (error) {
    if (failure !== null) throw failure;
    if (error instanceof ConnectError) throw error;
    throw new DataError(`The object is no ${name}, or damaged: ${(error as Error).message}`, { cause: error });
  } finally {
    input.destroy();
    engine.destroy();
    await packed.return();
  }
}
