import type { Schema } from './route.ts';

/** JSON schemas of bodies and answers, for the OpenAPI document. */

const object = (properties: Record<string, Schema>, optional: readonly string[] = []): Schema => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
});
const list = (items: Schema): Schema => ({ type: 'array', items });
const byName = (additionalProperties: Schema | true): Schema => ({ type: 'object', additionalProperties });
const nullable = (type: string): Schema => ({ type: [type, 'null'] });
const text: Schema = { type: 'string' };
const integer: Schema = { type: 'integer' };
const flag: Schema = { type: 'boolean' };
const state: Schema = {
  type: 'string',
  enum: ['UNASSIGNED', 'RUNNING', 'PAUSED', 'FAILED', 'RESTARTING', 'STOPPED', 'DESTROYED'],
};
const connectorType: Schema = { type: 'string', enum: ['source', 'sink'] };
const instant: Schema = { type: ['string', 'null'], format: 'date-time' };

export const errorMessage = object({ error_code: integer, message: text });
export const names = list(text);
export const message = object({ message: text });
export const serverInfo = object({ version: text, commit: text, kafka_cluster_id: text });
export const health = object({ status: text, message: text });

export const config = byName(text);
const configValue: Schema = { type: ['string', 'number', 'boolean', 'null'] };
export const configPatch = byName(configValue);
export const configInput: Schema = {
  ...configPatch,
  properties: { 'connector.class': text },
  required: ['connector.class'],
};
const taskId = object({ connector: text, task: integer });
export const connectorInfo = object({ name: text, config, tasks: list(taskId), type: connectorType });
export const createConnectorRequest = object(
  { name: text, config: configInput, initial_state: { type: 'string', enum: ['RUNNING', 'PAUSED', 'STOPPED'] } },
  ['initial_state'],
);
export const taskInfos = list(object({ id: taskId, config }));

const runStatus = { state, worker_id: text, version: nullable('string'), trace: text };
export const taskStatus = object({ id: integer, ...runStatus }, ['trace']);
export const connectorStatus = object({
  name: text,
  connector: object(runStatus, ['trace']),
  tasks: list(taskStatus),
  type: connectorType,
});
export const expandedConnectors = byName(object({ status: connectorStatus, info: connectorInfo }, ['status', 'info']));

export const activeTopics = byName(object({ topics: names }));
const offset = object({
  partition: { type: ['object', 'null'], additionalProperties: true },
  offset: { type: ['object', 'null'], additionalProperties: true },
});
export const offsets = object({ offsets: list(offset) });

export const pluginInfos = list(object({ class: text, type: text, version: text }));
const configKey = object({
  name: text,
  type: text,
  required: flag,
  default_value: nullable('string'),
  importance: text,
  documentation: text,
  group: nullable('string'),
  order_in_group: integer,
  width: text,
  display_name: text,
  dependents: names,
});
export const configKeys = list(configKey);
const validatedValue = object(
  {
    name: text,
    value: nullable('string'),
    recommended_values: list(nullable('string')),
    errors: names,
    visible: flag,
    warnings: names,
  },
  ['warnings'],
);
export const configInfos = object({
  name: text,
  error_count: integer,
  groups: names,
  configs: list(object({ definition: { oneOf: [configKey, { type: 'null' }] }, value: validatedValue })),
});

export const logger = object({ level: text, last_modified: nullable('integer') });
export const loggers = byName(logger);
export const setLevelRequest: Schema = {
  ...object({
    level: { type: 'string', enum: ['OFF', 'FATAL', 'ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE', 'ALL'] },
  }),
};

export const installation = object({
  mirror: {
    oneOf: [object({ changed_at: instant, mirrored_at: instant, lag_ms: integer }), { type: 'null' }],
  },
  mirror_failure: { oneOf: [object({ failed_at: instant, error: text }), { type: 'null' }] },
  feeds: list(
    object({
      event_source: text,
      connector: nullable('string'),
      open: { type: 'boolean' },
      event_without_connector_at: instant,
      rests_until: instant,
    }),
  ),
});

const deaths = object({
  in_row: integer,
  without_commit: integer,
  last_at: instant,
  last_worker_id: nullable('string'),
});

export const connectorReport = object({
  name: text,
  type: connectorType,
  target_state: { type: 'string', enum: ['STARTED', 'PAUSED', 'STOPPED'] },
  state,
  generation: integer,
  settled: flag,
  restarts: integer,
  position_changes: list(
    object({
      changed_at: instant,
      reason: {
        type: 'string',
        enum: ['topic-made-again', 'out-of-range', 'group-set', 'group-deleted', 'group-restored'],
      },
      kafka_topic: text,
      kafka_partition: integer,
      from_offset: nullable('integer'),
      to_offset: nullable('integer'),
    }),
  ),
  misspelt: list(object({ setting: text, meant: text })),
  deaths,
  replay: {
    oneOf: [
      object({
        requested_at: instant,
        topic: nullable('string'),
        done_at: instant,
        replayed: integer,
        left: integer,
        others: integer,
        error: nullable('string'),
      }),
      { type: 'null' },
    ],
  },
  tasks: list(
    object({
      id: integer,
      state,
      running: flag,
      last_run_at: instant,
      last_success_at: instant,
      next_due_at: instant,
      watched: flag,
      runs: integer,
      empty_runs: integer,
      records: integer,
      bytes: integer,
      consecutive_failures: integer,
      restart_attempts: integer,
      deaths,
      lag: object({ records: nullable('number'), seconds: nullable('number'), seconds_left: nullable('number') }),
    }),
  ),
});
export const connectorReports = object({ connectors: list(connectorReport) });
export const replayRequest = object({ topic: nullable('string') }, ['topic']);
export const offsetHistory = object({
  changes: list(object({ changed_at: instant, before: list(offset), after: list(offset) })),
});
