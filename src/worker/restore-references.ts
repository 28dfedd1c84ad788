import type { Settings } from '../config/config-def.ts';
import { shortestSecret } from '../telemetry/redaction.ts';
import { hasReference } from './config-providers.ts';

/**
 * What a plugin handed on of a setting that refers to a secret is stored as the reference again, also where it has become
 * a part of another setting: task configs are shown, and mirrored to a topic.
 */
export function restoreReferences(own: Settings, raw: Settings, config: Settings): Settings {
  const referring = Object.keys(raw).filter((key) => hasReference(raw[key]!) && config[key] !== raw[key]);
  const references = new Map(
    referring
      .map((key) => [config[key]!.trim(), raw[key]!.trim()] as const)
      .filter(([secret]) => secret.length >= shortestSecret)
      .sort(([one], [other]) => other.length - one.length),
  );
  const anySecret = new RegExp([...references.keys()].map(literally).join('|') || '(?!)', 'g');
  const restored = (value: string) => value.replace(anySecret, (secret) => references.get(secret)!);
  return Object.fromEntries(
    Object.entries(own).map(([key, value]) => [key, referring.includes(key) ? raw[key]! : restored(value)]),
  );
}

const literally = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
