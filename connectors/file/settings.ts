import { defineConfig, nonEmptyString } from '../../src/api/index.ts';

export const fileStreamSourceConfig = defineConfig({
  file: {
    type: 'STRING',
    default: null,
    importance: 'HIGH',
    doc: 'Path of the file to read. A function has no standard input, so a task without a file fails.',
  },
  topic: {
    type: 'STRING',
    validator: nonEmptyString,
    importance: 'HIGH',
    doc: 'Topic that the lines are written to.',
  },
  'batch.size': {
    type: 'INT',
    default: 2000,
    importance: 'LOW',
    doc: 'Most lines that one poll returns.',
  },
});

export const fileStreamSinkConfig = defineConfig({
  file: {
    type: 'STRING',
    default: null,
    importance: 'HIGH',
    doc: "Path of the file that lines are appended to. Without it they go to standard output: the function's log.",
  },
});
