/** Runs one step of something long and says how long it took. */
export type Step = <T>(title: string, work: () => Promise<T>) => Promise<T>;

export const printedStep: Step = async (title, work) => {
  const startedAt = Date.now();
  const live = process.stdout.isTTY === true;
  if (live) process.stdout.write(`  …      ${title}`);
  const end = (mark: string) => {
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
