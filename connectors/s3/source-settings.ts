import {
  atLeast,
  type ConfigProblem,
  type ConfigValues,
  caseInsensitiveString,
  defineConfig,
  JavaRegex,
  lambda,
  nonEmptyString,
  range,
  validString,
} from '../../src/api/index.ts';
import { aivenAccessConfig, aivenAccessProblems } from './access-settings.ts';
import { cellTypeNames, findCellType } from './formats/csv-cells.ts';
import { inputFormats } from './formats/open.ts';
import { templateProblem } from './source-template.ts';

const template = lambda('a template', (_name, value) => (value === null ? undefined : templateProblem(String(value))));

const columnTypes = lambda('list of name:type', (_name, value) => {
  const wrong = (value as readonly string[]).find((entry) => {
    const colon = entry.lastIndexOf(':');
    return colon < 1 || findCellType(entry.slice(colon + 1)) === undefined;
  });
  return wrong === undefined ? undefined : `${wrong} is no name:type; there are the types ${cellTypeNames.join(', ')}`;
});

const oneCharacter = lambda('a character', (_name, value) =>
  [...String(value)].length === 1 ? undefined : 'Give one character',
);

const headerTemplates = lambda('list of name=template', (_name, value) => {
  for (const entry of value as readonly string[]) {
    const equals = entry.indexOf('=');
    if (equals < 1) return `${entry} is no name=template`;
    const problem = templateProblem(entry.slice(equals + 1));
    if (problem !== undefined) return problem;
  }
  return undefined;
});

const mebibyte = 1 << 20;

/** The settings of Aiven's connector, with what it has not. */
export const s3SourceConfig = defineConfig({
  ...aivenAccessConfig.spec,
  'aws.s3.prefix': {
    type: 'STRING',
    default: null,
    importance: 'HIGH',
    doc: 'Only objects whose keys begin so are read. Left out: all of the bucket.',
  },
  aws_s3_prefix: {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    doc: 'Older name of aws.s3.prefix.',
    deprecated: 'aws.s3.prefix',
  },
  'input.format': {
    type: 'STRING',
    default: 'bytes',
    validator: caseInsensitiveString(...inputFormats),
    importance: 'HIGH',
    doc: 'What the objects hold: avro (containers), parquet, csv, jsonl (a JSON value on each line), json (the elements of an array, or values behind each other), lines (text) or bytes.',
  },
  'file.compression.type': {
    type: 'STRING',
    default: 'none',
    validator: caseInsensitiveString('none', 'auto', 'gzip', 'snappy', 'zstd'),
    importance: 'MEDIUM',
    doc: 'How whole objects are packed; auto: by the ends of their names (.gz, .zst, .sz, .snappy); what ends as packed otherwise (.bz2, .xz, .zip and the like) cannot be read. snappy is the framing of snappy-java or that of .sz. Not looked at for parquet, and hardly of use with avro: both pack inside.',
  },
  topic: {
    type: 'STRING',
    default: null,
    validator: template,
    importance: 'HIGH',
    doc: 'The topic, or a template of it. Left out: what {{topic}} in file.name.template has found in the key.',
  },
  'file.name.template': {
    type: 'STRING',
    default: '.*',
    validator: lambda('a pattern', (_name, value) => patternProblem(String(value))),
    importance: 'MEDIUM',
    doc: 'Which objects are read: a regular expression as Java writes them, found anywhere in the key. {{topic}}, {{partition}}, {{start_offset}} and {{timestamp}} stand for what the sink writes there, and what they and named groups find can be used in templates.',
  },
  'record.key': {
    type: 'STRING',
    default: null,
    validator: template,
    importance: 'MEDIUM',
    doc: "A template of the record's key, which then is a string; null where a pointer in it finds nothing. Empty: no key. Left out: the object's key as bytes.",
  },
  'record.partition': {
    type: 'STRING',
    default: null,
    validator: template,
    importance: 'LOW',
    doc: "A template of the record's partition. Left out: what {{partition}} in file.name.template has found in the key, else the partitioner decides.",
  },
  'record.headers': {
    type: 'LIST',
    default: [],
    validator: headerTemplates,
    importance: 'LOW',
    doc: 'Headers, each as name=template: s3.key={{key}}, say.',
  },
  'record.timestamp': {
    type: 'STRING',
    default: 'none',
    validator: validString('none', 'modified'),
    importance: 'LOW',
    doc: 'The timestamp of records: none, which makes it the time of their production, or modified, when their object was written.',
  },
  'distribution.type': {
    type: 'STRING',
    default: 'OBJECT_HASH',
    validator: caseInsensitiveString('object_hash', 'partition'),
    importance: 'LOW',
    doc: 'How objects are dealt out to tasks: by a hash of their key, or by {{partition}} in file.name.template, which keeps the order of each partition.',
  },
  'max.poll.records': {
    type: 'INT',
    default: 500,
    validator: atLeast(1),
    importance: 'LOW',
    doc: 'Most records that one poll returns.',
  },
  'transformer.max.buffer.size': {
    type: 'INT',
    default: 4096,
    validator: range(0, 64 * mebibyte),
    importance: 'MEDIUM',
    doc: 'Of bytes: how many of them are a record; 0: the whole object is one.',
  },
  'max.record.bytes': {
    type: 'INT',
    default: 16 * mebibyte,
    validator: range(1, 64 * mebibyte),
    importance: 'LOW',
    doc: 'A longer line, row, JSON value or whole object cannot be read: it is handled as errors.tolerance says.',
  },
  'max.block.bytes': {
    type: 'INT',
    default: 64 * mebibyte,
    validator: range(1, 512 * mebibyte),
    importance: 'LOW',
    doc: 'The same for a block of Avro and a row group of Parquet, unpacked: each is in memory as a whole.',
  },
  'csv.separator': {
    type: 'STRING',
    default: ',',
    validator: nonEmptyString,
    importance: 'LOW',
    doc: 'Between the cells of csv.',
  },
  'csv.quote': {
    type: 'STRING',
    default: '"',
    validator: oneCharacter,
    importance: 'LOW',
    doc: 'Around cells of csv.',
  },
  'csv.escape': {
    type: 'STRING',
    default: '"',
    validator: oneCharacter,
    importance: 'LOW',
    doc: 'In front of a quote inside a cell of csv.',
  },
  'csv.header': {
    type: 'BOOLEAN',
    default: true,
    importance: 'MEDIUM',
    doc: 'Whether the first row of csv names the columns.',
  },
  'csv.columns': {
    type: 'LIST',
    default: [],
    importance: 'LOW',
    doc: 'Names of the columns of csv without a header. Left out: column1, column2 and so on.',
  },
  'csv.types': {
    type: 'LIST',
    default: [],
    validator: columnTypes,
    importance: 'MEDIUM',
    doc: `Types of columns of csv, each as name:type; the others are strings. A header with none of these columns cannot be read. Types: ${cellTypeNames.join(', ')}.`,
  },
  'csv.null': {
    type: 'STRING',
    default: '',
    importance: 'LOW',
    doc: 'A cell of csv that holds this is null, as an empty one is.',
  },
  'native.start.key': {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    doc: 'Only objects with keys behind this one are listed.',
  },
  'objects.late.ms': {
    type: 'LONG',
    default: 3_600_000,
    validator: atLeast(0),
    importance: 'LOW',
    doc: 'How long after its time of modification an object may still appear in a listing, as one does that was replicated. Uploads in parts under way are waited for as long as they take.',
  },
  'objects.missing': {
    type: 'STRING',
    default: 'report',
    validator: validString('report', 'fail'),
    importance: 'LOW',
    doc: 'An object that is gone, or another by now, before it was read to its end: report says so in the log, and with errors.tolerance=all by a dead letter, and goes on; fail handles it as a record that cannot be read.',
  },
  'objects.finished': {
    type: 'STRING',
    default: 'keep',
    validator: validString('keep', 'delete', 'move'),
    importance: 'MEDIUM',
    doc: 'What becomes of an object once all its records are committed.',
  },
  'objects.finished.prefix': {
    type: 'STRING',
    default: null,
    validator: nonEmptyString,
    importance: 'LOW',
    doc: 'Of move: what takes the place of aws.s3.prefix in the key.',
  },
  'aws.s3.fetch.page.size': {
    type: 'INT',
    default: 1000,
    validator: range(1, 1000),
    importance: 'LOW',
    doc: 'Keys in one answer of a listing.',
  },
});

export type S3SourceValues = ConfigValues<typeof s3SourceConfig>;

/** What stands for the variables of a template in a pattern; names of Java's groups are letters and digits. */
const variables: Readonly<Record<string, string>> = {
  topic: '(?<topic>[a-zA-Z0-9\\-_.]+)',
  partition: '(?<partition>\\d+)',
  start_offset: '(?<startOffset>\\d+)',
  timestamp: '(?<timestamp>\\d+)',
};
const variable = /\{\{\s*(\w+)[^}]*\}\}/g;
const templateKey = 'file.name.template';

/** Throws ConfigError for what is no pattern. */
export function namePattern(text: string): JavaRegex {
  return new JavaRegex(
    text.replace(variable, (whole, name: string) => variables[name] ?? whole),
    templateKey,
  );
}

function patternProblem(text: string): string | undefined {
  if (text.trim() === '') return 'Give a pattern; .* finds every key';
  const unknown = [...text.matchAll(variable)].find(([, name]) => !((name ?? '') in variables));
  if (unknown !== undefined) return `${unknown[0]} is not known: there are ${Object.keys(variables).join(', ')}`;
  try {
    namePattern(text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

export const prefixOf = (values: S3SourceValues): string => values['aws.s3.prefix'] ?? values.aws_s3_prefix ?? '';

/** What no single setting shows. */
export function s3SourceProblems(values: S3SourceValues): ConfigProblem[] {
  const problems = aivenAccessProblems(values);
  const pattern = values['file.name.template'];
  if (values.topic === null && !/\{\{\s*topic\b/.test(pattern) && !pattern.includes('(?<topic>')) {
    problems.push({
      key: 'topic',
      message: 'The topic is missing: set topic, or have {{topic}} in file.name.template',
    });
  }
  if (values.topic !== null && values.topic.trim() === '') {
    problems.push({ key: 'topic', message: 'Invalid value for topic: String must be non-empty' });
  }
  if (/^partition$/i.test(values['distribution.type']) && !/\{\{\s*partition\b/.test(pattern)) {
    problems.push({
      key: 'file.name.template',
      message: 'With distribution.type=partition it must have {{partition}}: tasks are told apart by that',
    });
  }
  const target = values['objects.finished.prefix'];
  if (values['objects.finished'] === 'move') {
    if (target === null) {
      problems.push({ key: 'objects.finished.prefix', message: 'It is missing: objects.finished=move needs it' });
    } else if (target.startsWith(prefixOf(values))) {
      problems.push({
        key: 'objects.finished.prefix',
        message: `Objects that are moved to ${target} would be read again: it must not begin with aws.s3.prefix (${prefixOf(values) || 'the whole bucket'})`,
      });
    }
  }
  return problems;
}
