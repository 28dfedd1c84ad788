/** A plain request: what API Gateway's event and a node request both become, so that no handler knows either. */
export interface RestRequest {
  readonly method: string;
  /** Below the API's own prefix, with a leading slash. */
  readonly path: string;
  /** Whether whoever handed the path on has percent-decoded it already. */
  readonly pathDecoded: boolean;
  /** The URI as the caller sent it, where a proxy in front tells it: a reason to refuse the request, never its path. */
  readonly uriAsSent?: string;
  /** Without the question mark, as sent. */
  readonly query: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
  /** What was sent was bytes that are no text: whoever reads the body is refused. */
  readonly bodyNotUtf8?: boolean;
  /** Where the caller found the API, prefix included, without a trailing slash; empty when that is not known. */
  readonly baseUrl: string;
}

export interface RestResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Java's server refuses these inside a path segment, so that `%2F` can never stand for two segments. */
const ambiguous = /%(?:2f|25|5c|00)|%(?:0[0-9a-f]|1[0-9a-f]|7f)/i;
/** A segment of dots that is not spelt so. */
const encodedDots = /^(?:%2e\.?|\.%2e|%2e%2e)$/i;

/** The decoded segments of a path, or why it has none. One slash at its end makes no difference. */
export function pathSegments(request: RestRequest): { readonly segments: string[] } | { readonly refused: string } {
  if (ambiguous.test((request.uriAsSent ?? '').split('?', 1)[0]!)) return { refused: 'Ambiguous URI path segment' };
  const path = request.path.replace(/^\//, '').replace(/\/$/, '');
  if (path === '' && request.path.length <= 1) return { segments: [] };
  const raw = path.split('/');
  if (raw.includes('')) return { refused: 'Ambiguous URI empty segment' };
  const segments: string[] = [];
  for (const segment of raw) {
    if (request.pathDecoded) {
      if (hasControlCharacter(segment) || segment.includes('\\')) return { refused: 'Suspicious Path Character' };
      // No escape that Java would take leaves one behind.
      if (segment.includes('%')) return { refused: 'Ambiguous URI path encoding' };
      if (segment.includes('\ufffd')) return { refused: 'Bad UTF-8 encoding' };
      segments.push(segment);
      continue;
    }
    if (ambiguous.test(segment) || encodedDots.test(segment)) return { refused: 'Ambiguous URI path segment' };
    try {
      // A semicolon starts a matrix parameter, which no path of this API has.
      segments.push(decodeURIComponent(segment.split(';', 1)[0]!));
    } catch {
      return { refused: 'Bad UTF-8 encoding' };
    }
  }
  return { segments };
}

function hasControlCharacter(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}

const otherEscape = /%(?!25)[0-9a-fA-F]{2}/;

/**
 * Gateways differ in whether they hand a path on as sent or decoded. API Gateway's HTTP API decodes all escapes but
 * `%25`, so that an escaped slash is a slash there (its path is then none of this API, where Java would refuse it): with
 * any other escape left, the path is as it was sent.
 */
export function looksDecoded(path: string): boolean {
  return !otherEscape.test(path);
}

/** Values of query parameters in order; what cannot be decoded is kept as it stands, as Java does. */
export class Query {
  readonly #pairs: readonly (readonly [string, string])[];

  constructor(text: string) {
    this.#pairs = text
      .split('&')
      .filter((part) => part !== '')
      .map((part) => {
        const equals = part.indexOf('=');
        return equals < 0 ? [decode(part), ''] : [decode(part.slice(0, equals)), decode(part.slice(equals + 1))];
      });
  }

  all(name: string): string[] {
    return this.#pairs.filter(([key]) => key === name).map(([, value]) => value);
  }

  first(name: string): string | null {
    return this.#pairs.find(([key]) => key === name)?.[1] ?? null;
  }

  /** Java's Boolean.valueOf of the first value; the default when it is absent or empty. */
  flag(name: string, byDefault: boolean): boolean {
    const value = this.first(name);
    return value === null || value === '' ? byDefault : value.toLowerCase() === 'true';
  }
}

function decode(text: string): string {
  const spaced = text.replaceAll('+', ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}
