import type { Settings } from '../config/config-def.ts';

/** The raw settings of a connector or of one task, secrets already resolved; parse them with the plugin's ConfigDef. */
export type ConnectorConfig = Settings;
