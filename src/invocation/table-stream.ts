/** As Lambda hands it over: the attribute values have the SDK's shape. */
export interface StreamRecord {
  readonly dynamodb?:
    | {
        readonly Keys?: Readonly<Record<string, unknown>> | undefined;
        readonly OldImage?: Readonly<Record<string, unknown>> | undefined;
        readonly NewImage?: Readonly<Record<string, unknown>> | undefined;
        readonly SequenceNumber?: string | undefined;
        /** Epoch seconds. */
        readonly ApproximateCreationDateTime?: number | undefined;
      }
    | undefined;
}

/** The records of an event of the table's stream; null: it is something else. */
export function streamRecordsOf(event: unknown): readonly StreamRecord[] | null {
  if (typeof event !== 'object' || event === null || !('Records' in event) || !Array.isArray(event.Records))
    return null;
  return event.Records[0]?.eventSource === 'aws:dynamodb' ? event.Records : null;
}
