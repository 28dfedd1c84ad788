import { Aspects } from 'aws-cdk-lib';
import { CfnEventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import type { IConstruct } from 'constructs';

interface Filters {
  readonly filters?: readonly { readonly pattern?: string }[];
}

/**
 * The one thing in which the local emulator needs the stack put differently: where AWS takes `{"S": [{"exists": false}]}`
 * to hold for an attribute that is not there at all, it looks for the attribute first.
 */
export function adaptToEmulator(scope: IConstruct): void {
  Aspects.of(scope).add({
    visit: (node) => {
      if (!(node instanceof CfnEventSourceMapping) || node.filterCriteria === undefined) return;
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
