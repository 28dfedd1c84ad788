import {
  byName,
  flag,
  instant,
  instantOrNull,
  integer,
  integerOrNull,
  list,
  numberOrNull,
  object,
  oneOf,
  orNull,
  type SchemaOf,
  text,
  textOrNull,
} from './json-schema.ts';

/** JSON schemas of bodies and answers, for the OpenAPI document, and by Shape for who reads them in TypeScript. */

const state = oneOf('UNASSIGNED', 'RUNNING', 'PAUSED', 'FAILED', 'RESTARTING', 'STOPPED', 'DESTROYED');
const connectorType = oneOf('source', 'sink');

export const errorMessage = object({ error_code: integer, message: text });
export const names = list(text);
export const message = object({ message: text });
export const serverInfo = object({ version: text, commit: text, kafka_cluster_id: text });
export const health = object({ status: text, message: text });

export const config = byName(text);
const configValue: SchemaOf<string | number | boolean | null> = { type: ['string', 'number', 'boolean', 'null'] };
export const configPatch = byName(configValue);
export const configInput: typeof configPatch = {
  ...configPatch,
  properties: { 'connector.class': text },
  required: ['connector.class'],
};
const taskId = object({ connector: text, task: integer });
export const connectorInfo = object({ name: text, config, tasks: list(taskId), type: connectorType });
export const createConnectorRequest = object(
  { name: text, config: configInput, initial_state: oneOf('RUNNING', 'PAUSED', 'STOPPED') },
  ['initial_state'],
);
export const taskInfos = list(object({ id: taskId, config }));

const runStatus = { state, worker_id: text, version: textOrNull, trace: text };
export const taskStatus = object({ id: integer, ...runStatus }, ['trace']);
export const connectorStatus = object({
  name: text,
  connector: object(runStatus, ['trace']),
  tasks: list(taskStatus),
  type: connectorType,
});
export const expandedConnectors = byName(object({ status: connectorStatus, info: connectorInfo }, ['status', 'info']));

export const activeTopics = byName(object({ topics: names }));
type OffsetField = string | number | bigint | boolean | null;
const offsetFields: SchemaOf<Readonly<Record<string, OffsetField>> | null> = {
  type: ['object', 'null'],
  additionalProperties: true,
};
export const offset = object({ partition: offsetFields, offset: offsetFields });
export const offsets = object({ offsets: list(offset) });

export const pluginInfos = list(object({ class: text, type: text, version: text }));
const configKey = object({
  name: text,
  type: text,
  required: flag,
  default_value: textOrNull,
  importance: text,
  documentation: text,
  group: textOrNull,
  order_in_group: integer,
  width: text,
  display_name: text,
  dependents: names,
});
export const configKeys = list(configKey);
const validatedValue = object(
  {
    name: text,
    value: textOrNull,
    recommended_values: list(textOrNull),
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
  configs: list(object({ definition: orNull(configKey), value: validatedValue })),
});

export const logger = object({ level: text, last_modified: integerOrNull });
export const loggers = byName(logger);
export const setLevelRequest = object({
  level: oneOf('OFF', 'FATAL', 'ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE', 'ALL'),
});

export const installation = object({
  mirror: orNull(object({ changed_at: instant, mirrored_at: instant, lag_ms: integer })),
  mirror_failure: orNull(object({ failed_at: instant, error: text })),
  feeds: list(
    object({
      event_source: text,
      connector: textOrNull,
      open: flag,
      event_without_connector_at: instantOrNull,
      rests_until: instantOrNull,
    }),
  ),
});

const deaths = object({
  in_row: integer,
  without_commit: integer,
  last_at: instantOrNull,
  last_worker_id: textOrNull,
});

export const connectorReport = object({
  name: text,
  type: connectorType,
  target_state: oneOf('STARTED', 'PAUSED', 'STOPPED'),
  state,
  generation: integer,
  settled: flag,
  restarts: integer,
  position_changes: list(
    object({
      changed_at: instant,
      reason: oneOf('topic-made-again', 'out-of-range', 'group-set', 'group-deleted', 'group-restored'),
      kafka_topic: text,
      kafka_partition: integer,
      from_offset: integerOrNull,
      to_offset: integerOrNull,
    }),
  ),
  misspelt: list(object({ setting: text, meant: text })),
  deaths,
  replay: orNull(
    object({
      requested_at: instant,
      topic: textOrNull,
      done_at: instantOrNull,
      replayed: integer,
      left: integer,
      others: integer,
      error: textOrNull,
    }),
  ),
  tasks: list(
    object({
      id: integer,
      state,
      running: flag,
      last_run_at: instantOrNull,
      last_success_at: instantOrNull,
      next_due_at: instantOrNull,
      watched: flag,
      runs: integer,
      empty_runs: integer,
      records: integer,
      bytes: integer,
      consecutive_failures: integer,
      restart_attempts: integer,
      deaths,
      lag: object({ records: numberOrNull, seconds: numberOrNull, seconds_left: numberOrNull }),
    }),
  ),
});
export const connectorReports = object({ connectors: list(connectorReport) });
export const replayRequest = object({ topic: textOrNull }, ['topic']);
export const offsetChange = object({ changed_at: instant, before: list(offset), after: list(offset) });
export const offsetHistory = object({
  changes: list(offsetChange),
});
