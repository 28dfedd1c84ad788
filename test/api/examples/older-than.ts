import { atLeast, defineConfig, definePlugin, parseConfig } from '../../../src/api/index.ts';

const config = defineConfig({
  timestamp: { type: 'LONG', importance: 'HIGH', doc: 'Epoch milliseconds.', validator: atLeast(0) },
});

export const olderThan = definePlugin({
  kind: 'predicate',
  className: 'com.example.OlderThan',
  version: '1.0.0',
  doc: 'True for records from before an instant.',
  config,
  create() {
    let limit = 0;
    return {
      configure(settings) {
        limit = parseConfig(config, settings).timestamp;
      },
      test: (record) => record.timestamp !== null && record.timestamp < limit,
    };
  },
});
