/** Raw settings as users write them: strings only. */
export type Settings = Readonly<Record<string, string>>;

export type ConfigType = 'BOOLEAN' | 'STRING' | 'INT' | 'SHORT' | 'LONG' | 'DOUBLE' | 'LIST' | 'CLASS' | 'PASSWORD';
export type Importance = 'HIGH' | 'MEDIUM' | 'LOW';

/** One setting as Connect's REST API describes it. Java: org.apache.kafka.common.config.ConfigDef.ConfigKey. */
export interface ConfigKey {
  readonly name: string;
  readonly type: ConfigType;
}

/** A component's settings, declared once. */
export interface ConfigDef {
  readonly keys: ReadonlyMap<string, ConfigKey>;
}
