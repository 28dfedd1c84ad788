import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// What the bundler puts the app's plugins in place of; the package names its built form.
const alias = {
  '#plugins': fileURLToPath(new URL('src/plugins/no-user-plugins.ts', import.meta.url)),
  '#java': fileURLToPath(new URL('src/plugins/no-java.ts', import.meta.url)),
};

// Unit tests mirror src/ and need no services; the other projects start what they need through test/support.
const serviceFolders = ['integration', 'parity', 'crash', 'e2e'];
// Connectors of others with databases of their own: `npm run test:jars`.
const jars = process.env.DROVER_TEST_JARS === undefined ? [] : ['jars'];
// Most of their time is waiting: for brokers to elect, leases to expire, stacks to be deployed. Databases and JVMs of others do not wait.
const filesAtOnce: Readonly<Record<string, number>> = { jars: 1 };

export default defineConfig({
  test: {
    reporters: ['default'],
    projects: [
      {
        test: {
          name: 'unit',
          alias,
          include: ['test/**/*.test.ts'],
          exclude: [...serviceFolders, 'jars'].map((folder) => `test/${folder}/**`),
          // No limit of speed: a machine that others use takes its time.
          testTimeout: 60_000,
        },
      },
      ...[...serviceFolders, ...jars].map((folder, index) => ({
        test: {
          name: folder,
          alias,
          include: [`test/${folder}/**/*.test.ts`],
          testTimeout: 120_000,
          hookTimeout: 240_000,
          globalSetup: ['test/support/services.ts'],
          maxWorkers: filesAtOnce[folder] ?? 2,
          // One project after the other.
          sequence: { groupOrder: index + 1 },
        },
      })),
    ],
  },
});
