/** What no path of the REST API can hold, however it is escaped: Java's server refuses it, and gateways undo escapes. */
const unreachable = /[/\\%\ufffd]/;

/**
 * Why no connector may be called so; null: one may. Control characters are refused as Kafka Connect does. It makes the
 * others too, and then nothing but the list can tell of them: they could not be read, changed or deleted.
 */
export function connectorNameFault(name: string): string | null {
  if (name === '') return 'String may not be empty';
  const controls = [...name]
    .map((char) => char.codePointAt(0)!)
    .filter((code) => code < 0x20 || (code >= 0x7f && code < 0xa0));
  if (controls.length > 0) {
    return `String may not contain control sequences but had the following ASCII chars: ${controls.join(', ')}`;
  }
  const isDots = name === '.' || name === '..';
  const [found = isDots ? name : null] = unreachable.exec(name) ?? [];
  if (found === null) return null;
  const what = `${isDots ? 'be' : 'contain'} ${found}`;
  return `String may not ${what}, which no path of the REST API can hold: the connector could not be reached`;
}
