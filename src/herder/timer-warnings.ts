import type { Settings } from '../config/config-def.ts';
import type { ConfigInfo, ConfigInfos } from '../config/describe-config.ts';
import { parseConfig } from '../config/parse-config.ts';
import { javaConnectorSettings } from '../config/run-settings.ts';
import { findConnector, type PluginRegistry } from '../plugins/registry.ts';

const unitMs: Readonly<Record<string, number>> = { ms: 1, millis: 1, seconds: 1000, sec: 1000, minutes: 60_000 };
/** `emit.checkpoints.interval.seconds`, `heartbeat.interval.ms`. */
const timer = /(?:^|\.)(?:interval|period|frequency)\.(ms|millis|seconds|sec|minutes)$/;

/**
 * A source of Java runs for a while and is stopped: what it does on a timer that is longer than a run is sure to last may
 * never happen. Each such setting, given or left at its default, is told so beside its errors.
 */
export function withTimerWarnings(plugins: PluginRegistry, settings: Settings, infos: ConfigInfos): ConfigInfos {
  const plugin = findConnector(plugins, 'source', settings);
  if (plugin?.runtime !== 'java') return infos;
  let parsed: ReturnType<typeof read>;
  try {
    parsed = read(settings);
  } catch {
    return infos;
  }
  const own = (name: string) => plugin.config.keys.has(name);
  const configs = infos.configs.map((info) => withWarning(info, own, parsed.settleMs, parsed.refreshMs));
  return { ...infos, configs };
}

function read(settings: Settings) {
  const { 'drover.java.settle.ms': settleMs, 'drover.java.refresh.ms': refreshMs } = parseConfig(
    javaConnectorSettings,
    settings,
  );
  return { settleMs, refreshMs };
}

function withWarning(
  info: ConfigInfo,
  own: (name: string) => boolean,
  settleMs: number,
  refreshMs: number,
): ConfigInfo {
  const { name, value, errors } = info.value;
  const unit = timer.exec(name)?.[1];
  if (unit === undefined || value === null || errors.length > 0 || !own(name)) return info;
  const everyMs = Number(value) * unitMs[unit]!;
  if (!(everyMs > settleMs)) return info;
  const connector = refreshMs === 0 ? 'not at all' : `every ${refreshMs} ms (drover.java.refresh.ms)`;
  const warning =
    `A task is sure to run for only ${settleMs} ms at a time (drover.java.settle.ms): what it does every ${everyMs} ms may ` +
    `never happen. Set this to less, or that to more. What the connector itself does on this timer happens ${connector}`;
  return { ...info, value: { ...info.value, warnings: [warning] } };
}
