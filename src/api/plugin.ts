import type { ConfigDef, Settings } from '../config/config-def.ts';
import type { SinkConnector, SourceConnector } from './connector.ts';
import type { Converter, HeaderConverter } from './converter.ts';
import type { Predicate, Transformation } from './transformation.ts';

export interface PluginKinds {
  source: SourceConnector;
  sink: SinkConnector;
  converter: Converter;
  header_converter: HeaderConverter;
  transformation: Transformation;
  predicate: Predicate;
}

export type PluginKind = keyof PluginKinds;

/** The parts of a record that an example is about, as schemaless JSON; what is left out is not looked at. */
export interface ExampleRecord {
  readonly topic?: string;
  readonly key?: unknown;
  readonly value?: unknown;
  /** Epoch milliseconds. */
  readonly timestamp?: number;
  readonly headers?: Readonly<Record<string, unknown>>;
}

/** What a transformation makes of a record (null: it is dropped), or what a predicate says about one. */
export interface PluginExample {
  readonly title: string;
  readonly settings: Settings;
  readonly before: ExampleRecord;
  readonly after: ExampleRecord | boolean | null;
}

/**
 * One plugin as an app lists it. `className` is the name users write in their configs (Java's full class name for
 * Apache's own); aliases are derived from it. `create` may load code on demand, so that a function's cold start pays
 * only for what its run uses.
 */
export interface PluginDescriptor<K extends PluginKind = PluginKind> {
  readonly kind: K;
  readonly className: string;
  /** Further names that configs may give it, as that of another Java class whose settings it takes; shortened likewise. */
  readonly otherNames?: readonly string[];
  readonly version: string;
  /** What it runs in. Those of Java may be there in several versions. @default - this process */
  readonly runtime?: 'java';
  readonly doc: string;
  readonly config: ConfigDef;
  /** Run by the tests and printed into the reference. */
  readonly examples?: readonly PluginExample[];
  create(): PluginKinds[K] | Promise<PluginKinds[K]>;
}

export type AnyPlugin = { [K in PluginKind]: PluginDescriptor<K> }[PluginKind];

/** Keeps the kind and the class in step; returns its argument. */
export function definePlugin<K extends PluginKind>(plugin: PluginDescriptor<K>): PluginDescriptor<K> {
  return plugin;
}
