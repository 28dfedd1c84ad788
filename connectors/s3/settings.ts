/** The declarations of all connectors of this folder. */
export { aivenSinkConfig, confluentSinkConfig } from './sink-settings.ts';
