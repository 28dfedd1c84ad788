/** What a plugin author imports. */

export type * from '../data/schema.ts';
export * from '../errors.ts';
export type * from './connector.ts';
export type * from './converter.ts';
export * from './plugin.ts';
export * from './record.ts';
export type * from './task.ts';
export type * from './transformation.ts';
