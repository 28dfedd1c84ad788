import { ConfigError, type SinkRecord } from '../../src/api/index.ts';
import { literally, type SinkLayout } from './sink-layout.ts';
import { TimePattern } from './time-pattern.ts';
import type { TimeZone } from './time-zone.ts';

const variables = ['topic', 'partition', 'start_offset', 'timestamp', 'key', 'utc_date', 'local_date'] as const;
type Variable = (typeof variables)[number];

type Piece = string | { readonly variable: Variable; readonly padding: boolean; readonly unit: TimePattern | null };

const units = new Set(['yyyy', 'YYYY', 'MM', 'dd', 'HH']);
/** Stand for the offset, and for one with all its digits, while a name is only a path. */
const offsetMark = '\0';
const paddedMark = '\x01';
const offsetDigits = 20;

export interface TemplateOptions {
  readonly zone: TimeZone;
  readonly eventTime: boolean;
}

/** `{{topic}}-{{partition:padding=true}}/{{timestamp:unit=yyyy}}`, and all else for itself. */
class FileNameTemplate {
  readonly #pieces: readonly Piece[];
  readonly variables: ReadonlySet<Variable>;
  readonly #options: TemplateOptions;

  /** Throws ConfigError that names `key`. `allowed`: the variables that may be there. */
  constructor(text: string, key: string, allowed: readonly Variable[], options: TemplateOptions) {
    this.#options = options;
    this.#pieces = parse(text, key, allowed, options.zone);
    this.variables = new Set(this.#pieces.flatMap((piece) => (typeof piece === 'string' ? [] : [piece.variable])));
  }

  /** The offset is left open. */
  render(record: SinkRecord, now: number): string {
    let name = '';
    for (const piece of this.#pieces) {
      if (typeof piece === 'string') name += piece;
      else name += this.#valueOf(piece, record, now);
    }
    return name;
  }

  #valueOf(piece: Exclude<Piece, string>, record: SinkRecord, now: number): string {
    switch (piece.variable) {
      case 'topic':
        return record.topic;
      case 'partition': {
        const partition = String(record.originalKafkaPartition);
        return piece.padding ? partition.padStart(10, '0') : partition;
      }
      case 'start_offset':
        return piece.padding ? paddedMark : offsetMark;
      case 'key':
        return keyText(record.key);
      default:
        return piece.unit!.at(this.#options.eventTime ? (record.timestamp ?? now) : now);
    }
  }

  /** What stands before the first variable. */
  get head(): string {
    const [first] = this.#pieces;
    return typeof first === 'string' ? first : '';
  }

  /** Of any name that it can make, as a regular expression. */
  get source(): string {
    return this.#pieces
      .map((piece) => {
        if (typeof piece === 'string') return literally(piece);
        switch (piece.variable) {
          case 'partition':
          case 'start_offset':
          case 'timestamp':
            return '\\d+';
          case 'utc_date':
          case 'local_date':
            return '[\\d-]+';
          case 'topic':
            return '[\\w.-]+';
          default:
            return '.+';
        }
      })
      .join('');
  }
}

function parse(text: string, key: string, allowed: readonly Variable[], zone: TimeZone): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  const wrong = (problem: string) =>
    new ConfigError(`Invalid value ${text} for configuration ${key}: ${problem}`, { key });
  for (const match of text.matchAll(/\{\{\s*([^{}:]*?)\s*(?::\s*([^{}=]*?)\s*=\s*([^{}]*?)\s*)?\}\}/g)) {
    if (match.index > at) pieces.push(text.slice(at, match.index));
    at = match.index + match[0].length;
    const [, name = '', parameter, value = ''] = match;
    if (!(allowed as readonly string[]).includes(name)) {
      throw wrong(`there is no {{${name}}}; there are ${allowed.map((one) => `{{${one}}}`).join(', ')}`);
    }
    const variable = name as Variable;
    const padded = variable === 'partition' || variable === 'start_offset';
    if (variable === 'timestamp') {
      if (parameter !== 'unit' || !units.has(value)) throw wrong('{{timestamp}} needs unit=yyyy, MM, dd or HH');
      pieces.push({ variable, padding: false, unit: new TimePattern(value.replace('YYYY', 'yyyy'), zone, '', key) });
    } else if (variable === 'utc_date' || variable === 'local_date') {
      pieces.push({ variable, padding: false, unit: new TimePattern('yyyy-MM-dd', zone, '', key) });
    } else if (parameter === undefined) {
      pieces.push({ variable, padding: false, unit: null });
    } else if (padded && parameter === 'padding' && /^(?:true|false)$/i.test(value)) {
      pieces.push({ variable, padding: value.toLowerCase() === 'true', unit: null });
    } else {
      throw wrong(`{{${name}}} knows no ${parameter}=${value}`);
    }
  }
  if (at < text.length) pieces.push(text.slice(at));
  if (pieces.some((piece) => typeof piece === 'string' && piece.includes('{{')))
    throw wrong('a {{ is not closed by }}');
  return pieces;
}

/** As Java prints it; Aiven's has `null` for a record without a key. */
function keyText(key: unknown): string {
  if (key === null || key === undefined) return 'null';
  return key instanceof Uint8Array ? Buffer.from(key).toString('utf8') : String(key);
}

/** Names by `file.name.template`. */
export function templateLayout(text: string, ending: string, options: TemplateOptions): SinkLayout {
  const key = 'file.name.template';
  const allowed = ['topic', 'partition', 'start_offset', 'timestamp', 'key'] as const;
  const template = new FileNameTemplate(text, key, allowed, options);
  const has = (variable: Variable) => template.variables.has(variable);
  const isWhole = has('topic') && has('partition') && has('start_offset');
  if (!isWhole && !has('key')) {
    throw new ConfigError(
      `Invalid value ${text} for configuration ${key}: it needs {{topic}}, {{partition}} and {{start_offset}}, so that no file is written over another, or {{key}}`,
      { key },
    );
  }
  if (!isWhole && (has('start_offset') || has('timestamp'))) {
    throw new ConfigError(
      `Invalid value ${text} for configuration ${key}: {{start_offset}} and {{timestamp}} go with {{topic}} and {{partition}}`,
      { key },
    );
  }
  return layoutOf(template, ending, !isWhole);
}

/** Names by `aws.s3.prefix`, as before there were templates. */
export function prefixLayout(prefix: string, ending: string, options: TemplateOptions): SinkLayout {
  const allowed = ['topic', 'partition', 'start_offset', 'timestamp', 'utc_date', 'local_date'] as const;
  const text = `${prefix}{{topic}}-{{partition}}-{{start_offset:padding=true}}`;
  return layoutOf(new FileNameTemplate(text, 'aws.s3.prefix', allowed, options), ending, false);
}

function layoutOf(template: FileNameTemplate, ending: string, newestPerKey: boolean): SinkLayout {
  const mine = new RegExp(`^${template.source}(?:\\.[^/]*)?$`);
  return {
    ending,
    newestPerKey,
    prefix: template.head,
    // A name but for its offset: what the file's first record decides is then not decided by each of them.
    pathOf: (record, now) => template.render(record, now),
    nameOf: (path, first) => {
      const offset = String(first.originalKafkaOffset);
      return path.replaceAll(offsetMark, offset).replaceAll(paddedMark, offset.padStart(offsetDigits, '0'));
    },
    timeOf: () => null,
    owns: (key) => mine.test(key),
  };
}
