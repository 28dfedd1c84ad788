import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

/** A fenced block of a page; `line` is that of its fence. */
export interface Snippet {
  readonly page: string;
  readonly line: number;
  readonly language: string;
  readonly text: string;
}

export interface PageLink {
  readonly line: number;
  readonly target: string;
}

const generated = new Set(['node_modules', 'dist', 'cdk.out', 'coverage']);

/** Every page of the project, by its path from the project's folder. */
export function pagesUnder(root: string, folder = root): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      // Of what is hidden only what the hosting site reads.
      const skipped = generated.has(entry.name) || (entry.name.startsWith('.') && entry.name !== '.github');
      return skipped ? [] : pagesUnder(root, path);
    }
    return entry.name.endsWith('.md') ? [relative(root, path)] : [];
  });
}

export class MarkdownPage {
  readonly path: string;
  readonly snippets: readonly Snippet[];
  /** Without the insides of fenced blocks, so that lines keep their numbers. */
  readonly prose: readonly string[];

  constructor(root: string, path: string) {
    this.path = path;
    const snippets: Snippet[] = [];
    const prose: string[] = [];
    let open: { fence: string; line: number; language: string; lines: string[]; indent: string } | null = null;
    for (const [index, text] of readFileSync(join(root, path), 'utf8').split('\n').entries()) {
      const fence = /^(\s*)(`{3,}|~{3,})\s*([\w-]*)/.exec(text);
      if (open === null && fence !== null) {
        open = { fence: fence[2]!, line: index + 1, language: fence[3]!, lines: [], indent: fence[1]! };
        prose.push('');
      } else if (open === null) prose.push(text);
      else {
        prose.push('');
        if (text.trim() === open.fence) {
          snippets.push({ page: path, line: open.line, language: open.language, text: `${open.lines.join('\n')}\n` });
          open = null;
        } else open.lines.push(text.startsWith(open.indent) ? text.slice(open.indent.length) : text);
      }
    }
    if (open !== null) throw new Error(`${path}:${open.line} opens a block that nothing closes`);
    this.snippets = snippets;
    this.prose = prose;
  }

  /** Targets of `[text](target)`, of `![text](target)` and of `[name]: target`. */
  get links(): PageLink[] {
    return this.prose.flatMap((text, index) => {
      const plain = text.replaceAll(/`[^`]*`/g, (code) => ' '.repeat(code.length));
      const inline = [...plain.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)].map((match) => match[1]!);
      const named = /^\s*\[[^\]]+\]:\s*(\S+)/.exec(plain);
      return [...inline, ...(named === null ? [] : [named[1]!])].map((target) => ({ line: index + 1, target }));
    });
  }

  /** `code` in running text, by line. */
  get code(): { readonly line: number; readonly text: string }[] {
    return this.prose.flatMap((text, index) =>
      [...text.matchAll(/`([^`]+)`/g)].map((match) => ({ line: index + 1, text: match[1]! })),
    );
  }

  /** What a link may name behind `#`: headings as GitHub names them, and names that the page gives itself. */
  get anchors(): ReadonlySet<string> {
    const found = new Set<string>();
    const given = new Map<string, number>();
    for (const text of this.prose) {
      for (const match of text.matchAll(/<a\s+(?:id|name)="([^"]+)"/g)) found.add(match[1]!);
      const heading = /^ {0,3}#{1,6}\s+(.+?)\s*#*\s*$/.exec(text);
      if (heading === null) continue;
      const base = slugOf(heading[1]!);
      const before = given.get(base) ?? 0;
      given.set(base, before + 1);
      found.add(before === 0 ? base : `${base}-${before}`);
    }
    return found;
  }
}

/** GitHub's: what stands there as text, in small letters, without punctuation, spaces as hyphens. */
export function slugOf(heading: string): string {
  return heading
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll('`', '')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-');
}

/** The nearest package.json above a page: whose scripts its commands name. */
export function manifestFor(root: string, page: string): string {
  for (let folder = dirname(resolve(root, page)); ; folder = dirname(folder)) {
    const path = join(folder, 'package.json');
    if (existsSync(path) && statSync(path).isFile()) return path;
    if (folder === dirname(folder)) throw new Error(`No package.json above ${page}`);
  }
}

/**
 * The file that an example of the plugin guide is, by what it exports: the list of plugins imports the others by these
 * names. `otherwise` for what is no file of its own.
 */
export function guideFile(text: string, otherwise: string): string {
  const plugin = /^export const (\w+) = definePlugin\(/m.exec(text)?.[1];
  if (plugin !== undefined) return plugin.replaceAll(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`);
  return /^export default plugins;/m.test(text) ? 'plugins' : otherwise;
}
