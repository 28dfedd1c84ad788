import type { AnyPlugin } from '../../../src/api/index.ts';
import { counterSource } from './counter-source.ts';
import { csvConverter } from './csv-converter.ts';
import { memorySink } from './memory-sink.ts';
import { olderThan } from './older-than.ts';
import { upperCase } from './upper-case.ts';

const plugins: readonly AnyPlugin[] = [upperCase, olderThan, csvConverter, counterSource, memorySink];
export default plugins;
