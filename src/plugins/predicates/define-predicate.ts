import { definePlugin, type PluginDescriptor, type PluginExample } from '../../api/plugin.ts';
import type { Predicate } from '../../api/transformation.ts';
import type { ConfigDef } from '../../config/config-def.ts';
import { CONNECT_VERSION } from '../transforms/define-transform.ts';

interface PredicateDeclaration {
  /** Simple class name. */
  readonly name: string;
  readonly doc: string;
  readonly config: ConfigDef;
  readonly examples?: readonly PluginExample[];
}

export function definePredicate(
  { name, ...rest }: PredicateDeclaration,
  create: () => Predicate,
): PluginDescriptor<'predicate'>[] {
  const className = `org.apache.kafka.connect.transforms.predicates.${name}`;
  return [definePlugin({ kind: 'predicate', className, version: CONNECT_VERSION, ...rest, create })];
}
