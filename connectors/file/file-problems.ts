import type { ConfigProblem, ConnectorConfig, FileAccess } from '../../src/api/index.ts';

/** Of a config whose `file` connectors may not use. By the path alone: the machine that validates is not the one that runs. */
export function fileProblems(files: FileAccess, config: ConnectorConfig): ConfigProblem[] {
  const path = (config.file ?? '').trim();
  const message = path === '' ? null : files.refusal(path);
  return message === null ? [] : [{ key: 'file', message }];
}
