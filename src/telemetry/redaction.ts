const hidden = '[hidden]';
const secretKey = /passw|secret|token|credential|jaas|private.?key|api.?key|access.?key|authorization|user\.?info/i;
/** Facts of our own whose names look like a secret's and are none. */
const harmless = new Set(['fencingToken']);
/** Shorter ones are in every line. */
export const shortestSecret = 4;

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
    // Settings are trimmed where they are parsed, and a URL escapes what it holds.
    for (const spelling of [value, value.trim(), urlEscaped(value)]) {
      if (spelling.length < shortestSecret) continue;
      this.#values.add(spelling);
      // JSON escapes what it prints: a secret with a quote or a line break must be found there too.
      this.#values.add(JSON.stringify(spelling).slice(1, -1));
    }
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

/** Half a surrogate pair has no escape. */
const urlEscaped = (value: string) => encodeURIComponent(value.toWellFormed());

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
