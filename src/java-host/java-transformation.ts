import type { ItemOutcomes } from '../api/item-outcome.ts';
import { type ConnectRecord, SinkRecord, SourceRecord } from '../api/record.ts';
import type { Predicate, Transformation } from '../api/transformation.ts';
import type { Settings } from '../config/config-def.ts';
import type { JavaSubject } from './java-error.ts';
import { JavaRecordPlugin, type ManyQuestions, onlyMany } from './java-record-plugin.ts';
import { RecordWriter, readChange } from './record-codec.ts';
import type { WarmHost } from './warm-host.ts';
import { frameType } from './wire.ts';

const said = { nothing: 0, record: 1, holds: 3 } as const;

/** A transformation of Java. Records come back as changes of those that were given. */
export class JavaTransformation extends JavaRecordPlugin implements Transformation {
  constructor(warm: WarmHost, subject: JavaSubject) {
    super('transformation', warm, subject);
  }

  configure(settings: Settings): void {
    this.keep(settings);
  }

  applyAll<R extends ConnectRecord<R>>(records: readonly R[]): ItemOutcomes<R | null> {
    return this.many<R, R | null>({
      ...asked(records),
      step: 'apply',
      read: (from, data, what, record) => (what === said.record ? record.with(readChange(from, data)) : null),
    });
  }

  apply(): never {
    return onlyMany('apply');
  }
}

/** A predicate of Java. */
export class JavaPredicate extends JavaRecordPlugin implements Predicate {
  constructor(warm: WarmHost, subject: JavaSubject) {
    super('predicate', warm, subject);
  }

  configure(settings: Settings): void {
    this.keep(settings);
  }

  testAll<R extends ConnectRecord<R>>(records: readonly R[]): ItemOutcomes<boolean> {
    return this.many<R, boolean>({
      ...asked(records),
      step: 'test',
      read: (_from, _data, what) => what === said.holds,
    });
  }

  test(): never {
    return onlyMany('test');
  }
}

function asked<R extends ConnectRecord<R>>(
  records: readonly R[],
): Pick<ManyQuestions<R, never>, 'frame' | 'items' | 'begin' | 'write'> {
  const ofSink = records[0] instanceof SinkRecord;
  let frame: RecordWriter | null = null;
  return {
    frame: frameType.apply,
    items: records,
    begin: (out) => {
      out.byte(ofSink ? 1 : 0);
      frame = null;
    },
    write: (out, data, record) => {
      frame ??= new RecordWriter(out, data);
      if (record instanceof SinkRecord) frame.sink(record);
      else if (record instanceof SourceRecord) frame.source(record);
    },
  };
}
