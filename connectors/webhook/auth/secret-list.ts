import { ConfigError } from '../../../src/api/index.ts';

/** One secret, several with commas between, or a JSON array of texts, for secrets with commas in them. */
export function secretList(key: string, text: string | undefined): readonly string[] {
  const trimmed = text?.trim() ?? '';
  const secrets = trimmed.startsWith('[') ? parsed(key, trimmed) : trimmed.split(',').map((secret) => secret.trim());
  const given = secrets.filter((secret) => secret !== '');
  if (given.length > 0) return given;
  throw new ConfigError(`The setting ${key} holds no secret: give one, or several with commas between`, { key });
}

function parsed(key: string, text: string): string[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message shows the text.
  }
  if (Array.isArray(value) && value.every((secret) => typeof secret === 'string')) return value;
  throw new ConfigError(`The setting ${key} begins with "[" and is no JSON array of texts`, { key });
}
