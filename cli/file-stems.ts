import { createHash } from 'node:crypto';

/** Bytes of the longest file name that file systems take, without room for what is put behind. */
const mostBytes = 255 - '.offsets.json'.length;

/**
 * A file's name for each connector, without what it ends with: the connector's own where that is one, else escaped as in a
 * URL, and cut with a hash behind it where that is too long, or where it is another's on a disk that ignores case.
 */
export function fileStems(names: readonly string[]): ReadonlyMap<string, string> {
  const taken = new Set<string>();
  return new Map(
    names.map((name) => {
      // A name is whole when it is read from the file; of half a surrogate pair no URL could tell.
      const escaped = encodeURIComponent(name.toWellFormed())
        .replaceAll('*', '%2A')
        // A file that begins with a dot is hidden, and two of them are the folder above.
        .replace(/^\./, '%2E')
        .replace(/\.$/, '%2E');
      const isFree = escaped.length <= mostBytes && !collides(escaped, taken);
      const stem = isFree ? escaped : `${escaped.slice(0, mostBytes - 17)}-${hashOf(name)}`;
      taken.add(stem.toLowerCase());
      return [name, stem];
    }),
  );
}

/** With one of its own name, or with the offsets of another: `orders.offsets` beside `orders`. */
function collides(stem: string, taken: ReadonlySet<string>): boolean {
  const lower = stem.toLowerCase();
  return taken.has(lower) || taken.has(lower.replace(/\.offsets$/, '')) || taken.has(`${lower}.offsets`);
}

const hashOf = (name: string) => createHash('sha256').update(name).digest('hex').slice(0, 16);
