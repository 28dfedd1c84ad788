const hidden = '[hidden]';
const secretKey = /passw|secret|token|credential|jaas|private.?key|api.?key|access.?key|authorization|user\.?info/i;
/** Facts of our own whose names look like a secret's and are none. */
const harmless = new Set(['fencingToken']);
const shortestSecret = 4;

/**
 * The secrets that one environment has resolved from config providers: they are masked wherever text leaves the
 * worker (log lines, traces in the status). Values shorter than four characters are not masked: they would blot out
 * half of every line.
 */
export class Secrets {
  readonly #values = new Set<string>();
  #longestFirst: string[] | null = null;

  add(value: string): void {
    if (value.length < shortestSecret || this.#values.has(value)) return;
    this.#values.add(value);
    // JSON escapes what it prints: a secret with a quote or a line break must be found there too.
    const escaped = JSON.stringify(value).slice(1, -1);
    if (escaped !== value) this.#values.add(escaped);
    this.#longestFirst = null;
  }

  mask(text: string): string {
    if (this.#values.size === 0) return text;
    this.#longestFirst ??= [...this.#values].sort((a, b) => b.length - a.length);
    let masked = text;
    for (const value of this.#longestFirst) if (masked.includes(value)) masked = masked.replaceAll(value, hidden);
    return masked;
  }
}

/** A copy in which what is named like a secret is hidden, at any depth. */
export function hideSecrets(facts: unknown): unknown {
  if (Array.isArray(facts)) return facts.map(hideSecrets);
  if (typeof facts !== 'object' || facts === null) return facts;
  return Object.fromEntries(
    Object.entries(facts).map(([key, value]) => [
      key,
      secretKey.test(key) && !harmless.has(key) && value !== null ? hidden : hideSecrets(value),
    ]),
  );
}
