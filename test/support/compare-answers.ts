import type { Json, JsonRecord } from './oracle-codec.ts';

/**
 * Two answers of the data oracle in a form in which equal means equal: absent and null are the same, the entries of a
 * map have no order, and of an error only its phase and family count.
 */
export function comparable(answer: Json): Json {
  if (Array.isArray(answer)) return answer.map(comparable);
  if (typeof answer !== 'object' || answer === null) return answer;
  const out: JsonRecord = Object.create(null);
  for (const key of Object.keys(answer).sort()) {
    const value = answer[key] as Json;
    if (value === null || key === 'id') continue;
    if (key === 'error') out.error = errorForm(value as JsonRecord);
    else if (key === 'errors') out.errors = (value as Json[]).length;
    else if (key === 'map' && Array.isArray(value)) out.map = sortedEntries(value);
    else if (key === 'float32' && typeof value === 'number') out.float32 = Math.fround(value);
    else out[key] = comparable(value);
  }
  return out;
}

function sortedEntries(entries: readonly Json[]): Json[] {
  return entries.map((entry) => JSON.stringify(comparable(entry))).sort();
}

const families: Record<string, readonly string[]> = {
  config: ['ConfigException'],
  data: ['DataException', 'SchemaBuilderException', 'SchemaProjectorException'],
  serialization: ['SerializationException'],
  connect: ['ConnectException'],
};

function errorForm(error: JsonRecord): Json {
  const name = String(error.class).split('.').pop() as string;
  const family = Object.keys(families).find((key) => families[key]?.includes(name));
  return { phase: error.phase === 'load' ? 'configure' : (error.phase as Json), family: family ?? 'any' };
}

/** Where Java fails by accident (NullPointerException and its like) any error will do. */
export function anyErrorWillDo(expected: JsonRecord): boolean {
  const error = expected.error as JsonRecord | undefined;
  return error !== undefined && (errorForm(error) as JsonRecord).family === 'any';
}
