import { hasHeaderKey } from './has-header-key.ts';
import { recordIsTombstone } from './record-is-tombstone.ts';
import { topicNameMatches } from './topic-name-matches.ts';

/** Apache's own predicates. */
export const predicates = [...hasHeaderKey, ...recordIsTombstone, ...topicNameMatches];
