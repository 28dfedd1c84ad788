import { describe, expect, it } from 'vitest';
import { watchUnhandledRejections } from '../../../src/worker/run/unhandled-rejections.ts';

const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

describe('watchUnhandledRejections', () => {
  it('gives each run what its own plugin let fail, and leaves the process as it found it', async () => {
    const before = process.rawListeners('unhandledRejection');
    const heard: string[] = [];
    const runs = ['a', 'b'].map((name) => ({
      name,
      watch: watchUnhandledRejections((error) => heard.push(`${name}: ${(error as Error).message}`)),
    }));
    await Promise.all(
      runs.map(({ name, watch }) =>
        watch.run(async () => {
          await turn();
          void Promise.reject(new Error(`promise of ${name}`));
          setTimeout(() => {
            throw new Error(`timer of ${name}`);
          }, 1);
          await turn();
        }),
      ),
    );
    await turn();
    for (const { watch } of runs) watch.stop();
    expect(heard.sort()).toEqual(['a: promise of a', 'a: timer of a', 'b: promise of b', 'b: timer of b']);
    expect(process.rawListeners('unhandledRejection')).toEqual(before);
  });
});
