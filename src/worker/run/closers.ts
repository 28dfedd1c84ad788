/** What a run has opened, closed last first. */
export class Closers {
  readonly #closers: (() => unknown)[] = [];

  push(closer: () => unknown): void {
    this.#closers.push(closer);
  }

  /** Closes everything, whatever fails; then throws the first failure, unless what happened before matters more. */
  async close(quietly: boolean): Promise<void> {
    let failure: unknown = null;
    for (const closer of this.#closers.splice(0).reverse()) {
      try {
        await closer();
      } catch (error) {
        failure ??= error;
      }
    }
    if (failure !== null && !quietly) throw failure;
  }
}
