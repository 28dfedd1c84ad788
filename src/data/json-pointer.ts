import { ConfigError } from '../errors.ts';

/** Where in a document something is, as RFC 6901 writes it: `/order/id`, `/items/0`; empty for the whole document. */
export type JsonPointer = readonly string[];

/** Throws ConfigError. */
export function parseJsonPointer(pointer: string): JsonPointer {
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) {
    throw new ConfigError(`"${pointer}" is no JSON pointer: it begins with a slash, as in /order/id`);
  }
  if (/~(?![01])/.test(pointer)) {
    throw new ConfigError(`"${pointer}" is no JSON pointer: "~" is written "~0" there, and a slash in a name "~1"`);
  }
  return pointer
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** What is there in a schemaless value (maps and arrays); undefined where there is nothing. */
export function atJsonPointer(value: unknown, pointer: JsonPointer): unknown {
  let here = value;
  for (const step of pointer) {
    if (here instanceof Map) here = here.get(step);
    else if (Array.isArray(here)) here = /^(?:0|[1-9]\d*)$/.test(step) ? here[Number(step)] : undefined;
    else return undefined;
  }
  return here;
}
