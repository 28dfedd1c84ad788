import { Aspects } from 'aws-cdk-lib';
import { CfnEventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import type { IConstruct } from 'constructs';

interface Filters {
  readonly filters?: readonly { readonly pattern?: string }[];
}

/**
 * What the local emulator needs put differently. Where AWS takes `{"S": [{"exists": false}]}` to hold for an attribute
 * that is not there at all, it looks for the attribute first. And where AWS serves each trigger by itself, it serves one
 * after the other, in the order in which they were made: what the coordinator is to dispatch must not wait for the mirror.
 */
export function adaptToEmulator(scope: IConstruct): void {
  let coordinators: CfnEventSourceMapping | undefined;
  let mirrors: CfnEventSourceMapping | undefined;
  Aspects.of(scope).add({
    visit: (node) => {
      if (!(node instanceof CfnEventSourceMapping) || node.filterCriteria === undefined) return;
      if (node.node.path.includes('CoordinatorFunction')) coordinators = node;
      if (node.node.path.includes('MirrorFunction')) mirrors = node;
      if (coordinators !== undefined && mirrors !== undefined) mirrors.addDependency(coordinators);
      const { filters = [] } = node.filterCriteria as Filters;
      node.filterCriteria = {
        filters: filters.map(({ pattern }) => ({
          pattern: JSON.stringify(absentAtParent(JSON.parse(pattern ?? '{}'))),
        })),
      };
    },
  });
}

function absentAtParent(pattern: unknown): unknown {
  if (typeof pattern !== 'object' || pattern === null || Array.isArray(pattern)) return pattern;
  const absent = '[{"exists":false}]';
  const entries = Object.entries(pattern).map(([key, value]) => {
    const leaves = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.values(value) : [];
    const isAbsent = leaves.length === 1 && JSON.stringify(leaves[0]) === absent;
    return [key, isAbsent ? leaves[0] : absentAtParent(value)];
  });
  return Object.fromEntries(entries);
}
