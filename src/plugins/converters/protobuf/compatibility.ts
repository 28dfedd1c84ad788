import type { Message, MessageField, ProtoFile } from './descriptor.ts';

/** Types whose bytes can be read as each other. */
const groups: readonly (readonly string[])[] = [
  ['int32', 'uint32', 'int64', 'uint64', 'bool', 'enum'],
  ['sint32', 'sint64'],
  ['string', 'bytes'],
  ['fixed32', 'sfixed32'],
  ['fixed64', 'sfixed64'],
];

/** Why data of `writer` cannot be read with `reader`; null when it can. */
export function incompatibilityOf(reader: ProtoFile, writer: ProtoFile): string | null {
  return compareMessages(reader.messages, writer.messages);
}

function compareMessages(reader: readonly Message[], writer: readonly Message[]): string | null {
  for (const theirs of writer) {
    const own = reader.find((message) => message.fullName === theirs.fullName);
    if (own === undefined) return `the message ${theirs.fullName} was removed`;
    const problem = compareFields(own, theirs) ?? compareMessages(own.nested, theirs.nested);
    if (problem !== null) return problem;
  }
  return null;
}

function compareFields(reader: Message, writer: Message): string | null {
  for (const theirs of writer.fields) {
    const own = reader.fields.find((field) => field.number === theirs.number);
    if (own !== undefined && !readable(own, theirs)) {
      return `field ${theirs.number} of ${writer.fullName} changed from ${theirs.type} to ${own.type}`;
    }
  }
  return null;
}

function readable(own: MessageField, theirs: MessageField): boolean {
  if (own.message !== null && theirs.message !== null) return own.message.fullName === theirs.message.fullName;
  if (own.type === theirs.type)
    return own.repeated === theirs.repeated || own.type === 'string' || own.type === 'bytes';
  return groups.some((group) => group.includes(own.type) && group.includes(theirs.type));
}
