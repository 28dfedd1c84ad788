/** The declarations of all connectors of this folder. */
export { aivenSinkConfig, confluentSinkConfig } from './sink-settings.ts';
export { s3SourceConfig } from './source-settings.ts';
