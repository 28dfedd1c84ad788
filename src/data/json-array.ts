import { SerializationError } from '../errors.ts';
import { readJsonText, readWholeJson, skipJson } from './json-reader.ts';

/** The elements of a JSON array as they are written there. Throws SerializationError for anything else. */
export function splitJsonArray(json: string): string[] {
  if (!Array.isArray(readWholeJson(json))) {
    // Says what is wrong, where something is in the value itself.
    if (!Array.isArray(readJsonText(json))) throw new SerializationError('It is no array');
    throw new SerializationError('There is more behind the array');
  }
  const elements: string[] = [];
  let from = json.indexOf('[') + 1;
  for (;;) {
    const end = skipJson(json, from);
    if (end < 0) return elements;
    elements.push(json.slice(from, end).trim());
    from = json.indexOf(',', end) + 1;
    if (from === 0) return elements;
  }
}
