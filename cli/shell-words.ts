/** What no POSIX shell takes for more than itself; zsh would look behind a leading `=` for a command. */
const plain = /^(?!=)[\p{L}\p{N}_@%+=:,./-]+$/u;

/** A word as a shell reads it back: quoted only where it would be broken up, or taken for something else. */
export const shellWord = (word: string): string =>
  plain.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
