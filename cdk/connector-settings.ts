import type { ConfigDef, ConfigKeySpec, ConfigSpec } from '../src/config/config-def.ts';
import type { sinkConnectorConfig, sourceConnectorConfig } from '../src/config/connector-config.ts';
import type { ConnectorSecret } from './connector-secret.ts';
import type { knownSinks, knownSources } from './known-connectors.ts';

/*
 * What a config may hold, as types: those of the connectors that come with Drover are made of their declarations, so that an
 * editor knows their settings and a misspelled one does not compile.
 */

/** What may stand in a config; numbers, booleans and lists become the text that Connect knows. */
export type SettingValue = string | number | boolean | readonly string[] | ConnectorSecret;

type Sources = typeof knownSources;
type Sinks = typeof knownSinks;

/** `SqsSourceConnector` and `SqsSource` for a full name. */
type Simple<Name extends string> = Name extends `${string}.${infer Rest}` ? Simple<Rest> : Name;
type Alias<Name extends string> = Simple<Name> | (Simple<Name> extends `${infer Short}Connector` ? Short : never);
type Named<Class, Names> = { [N in keyof Names & string]: Class extends N | Alias<N> ? N : never }[keyof Names &
  string];

type Booleans = boolean | 'true' | 'false';
type Numbers = number | `${number}`;
interface Texts {
  BOOLEAN: Booleans;
  STRING: string;
  INT: Numbers;
  SHORT: Numbers;
  LONG: Numbers;
  DOUBLE: Numbers;
  LIST: string | readonly string[];
  CLASS: string;
  /** A literal would stand in the template. */
  PASSWORD: ConnectorSecret | `${string}\${${string}}${string}`;
}

/** One of some texts, where the declaration lists them; what is only known at deployment is a ConnectorSecret or a cast. */
type Text<K extends ConfigKeySpec> = K extends { readonly validator: { readonly values: readonly (infer V)[] } }
  ? V
  : Texts[K['type']];

type Required<S extends ConfigSpec> = {
  [N in keyof S]: S[N] extends { readonly default: unknown } | { readonly internal: true } ? never : N;
}[keyof S];
type Optional<S extends ConfigSpec> = Exclude<keyof S, Required<S>>;

type Settings<D> =
  D extends ConfigDef<infer S>
    ? { readonly [N in Required<S>]: Text<S[N]> | ConnectorSecret } & {
        readonly [N in Optional<S>]?: Text<S[N]> | ConnectorSecret;
      }
    : never;

/** What the construct says itself. */
type Own = 'name' | 'connector.class';

/** Settings of converters, transformations and clients, whose names begin with those of other settings. */
type Prefixed = {
  readonly [name in
    | `${'key' | 'value' | 'header'}.converter.${string}`
    | `${'transforms' | 'predicates'}.${string}`
    | `${'producer' | 'consumer' | 'admin'}.override.${string}`
    | `topic.creation.${string}`
    | `errors.deadletterqueue.${string}`
    | `drover.${string}`]?: SettingValue;
};

type Common<D> = Omit<Settings<D>, Own> & Prefixed;

/** A connector's own settings win over common ones of the same name. */
type Whole<Declared, CommonConfig> = Settings<Declared> &
  Omit<Common<CommonConfig>, keyof Settings<Declared>> &
  Prefixed;

/** The settings of a class, without `connector.class`; any, where Drover does not know the class. */
export type SettingsOf<Class extends string> = [Named<Class, Sources>] extends [never]
  ? [Named<Class, Sinks>] extends [never]
    ? Readonly<Record<string, SettingValue>>
    : Whole<Sinks[Named<Class, Sinks>], typeof sinkConnectorConfig>
  : Whole<Sources[Named<Class, Sources>], typeof sourceConnectorConfig>;

/** A config, typed by its `connector.class`. */
export type DroverConnectorConfig<Class extends string = string> = {
  readonly 'connector.class': Class;
} & SettingsOf<Class>;

/** Classes whose settings are known, by the names that may be given them. */
export type KnownConnectorClass = Alias<keyof Sources | keyof Sinks> | keyof Sources | keyof Sinks;
