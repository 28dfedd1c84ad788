/** Why no connector may be called so, as Kafka Connect says it; null: one may. */
export function connectorNameFault(name: string): string | null {
  if (name === '') return 'String may not be empty';
  const controls = [...name]
    .map((char) => char.codePointAt(0)!)
    .filter((code) => code < 0x20 || (code >= 0x7f && code < 0xa0));
  if (controls.length === 0) return null;
  return `String may not contain control sequences but had the following ASCII chars: ${controls.join(', ')}`;
}

/** What no path of the REST API can hold, however it is escaped: Java's server refuses it, and gateways undo escapes. */
const unreachable = /[/\\%\ufffd]/;

/**
 * Why no path of the REST API leads to a connector that is called so; null: one does. Kafka Connect makes it all the same,
 * and so does Drover; nothing but a list can tell of it then, and it cannot be read or changed.
 */
export function unreachableName(name: string): string | null {
  const isDots = name === '.' || name === '..';
  const [found = isDots ? name : null] = unreachable.exec(name) ?? [];
  if (found === null) return null;
  return `it ${isDots ? 'is' : 'contains'} ${found}, which no path of the REST API can hold: the connector could not be reached`;
}
