/** Runs one step of something long and says how long it took. */
export type Step = <T>(title: string, work: () => Promise<T>) => Promise<T>;

/** After which a step that goes into a file is named before it has ended. */
const namedAfterMs = 5000;

export const printedStep: Step = async (title, work) => {
  const startedAt = Date.now();
  const live = process.stdout.isTTY === true;
  const named = `  …          ${title}`;
  if (live) process.stdout.write(named);
  const silent = live ? undefined : setTimeout(() => process.stdout.write(`${named}\n`), namedAfterMs).unref();
  const end = (mark: string) => {
    clearTimeout(silent);
    const line = `  ${mark} ${((Date.now() - startedAt) / 1000).toFixed(1).padStart(5)} s  ${title}\n`;
    process.stdout.write(live ? `\r\u001b[2K${line}` : line);
  };
  try {
    const result = await work();
    end('✓');
    return result;
  } catch (error) {
    end('✗');
    throw error;
  }
};

export const silentStep: Step = (_title, work) => work();
