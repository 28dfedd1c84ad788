import type { AnyPlugin } from '../api/plugin.ts';
import { ConfigError } from '../errors.ts';
import { registryOf } from './registry.ts';

export interface PluginOffer {
  /** Classes or aliases; a `*` at the end stands for any ending, and a class for its forms `$Key` and `$Value`. Empty: all. */
  readonly allow: readonly string[];
  /** The same, of what is left out. */
  readonly deny: readonly string[];
}

/** Those that an installation offers; for anybody who asks the others are not there. Throws for a name that means none. */
export function offeredPlugins(plugins: readonly AnyPlugin[], { allow, deny }: PluginOffer): readonly AnyPlugin[] {
  if (allow.length === 0 && deny.length === 0) return plugins;
  const registry = registryOf(plugins);
  const meant = (key: string, names: readonly string[]): ReadonlySet<string> =>
    new Set(
      names.flatMap((name) => {
        const found = plugins
          .map(({ className }) => className)
          .filter((className) => isNamed(name, className) || registry.classNameOf(name) === className);
        if (found.length > 0) return found;
        throw new ConfigError(`${key} names ${name}, and there is no such plugin`, { key });
      }),
    );
  const allowed = meant('drover.plugins.allow', allow);
  const denied = meant('drover.plugins.deny', deny);
  return plugins.filter(({ className }) => (allow.length === 0 || allowed.has(className)) && !denied.has(className));
}

function isNamed(name: string, className: string): boolean {
  if (name.endsWith('*')) return className.startsWith(name.slice(0, -1));
  const simple = className.slice(className.lastIndexOf('.') + 1);
  return [className, simple].some((known) => known === name || known.startsWith(`${name}$`));
}
