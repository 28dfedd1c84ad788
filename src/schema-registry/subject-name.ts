import { ConfigError, DataError } from '../errors.ts';

/** The subject of a schema; `recordName` is the full name of its record, message or title, null where it has none. */
export interface SubjectNameStrategy {
  /** Only then is `recordName` looked at. */
  readonly usesSchema: boolean;
  subjectFor(topic: string, recordName: string | null): string;
}

const folder = 'io.confluent.kafka.serializers.subject';
const names = ['TopicNameStrategy', 'RecordNameStrategy', 'TopicRecordNameStrategy'] as const;
export const topicNameStrategy = `${folder}.TopicNameStrategy`;

export function subjectNameStrategy(key: string, className: string, isKey: boolean): SubjectNameStrategy {
  const suffix = isKey ? 'key' : 'value';
  const needName = (recordName: string | null): string => {
    if (recordName !== null) return recordName;
    throw new DataError(`In configuration ${key} = ${className}, the message ${suffix} must only be a record schema`);
  };
  switch (strategyOf(className)) {
    case 'TopicNameStrategy':
      return { usesSchema: false, subjectFor: (topic) => `${topic}-${suffix}` };
    case 'RecordNameStrategy':
      return { usesSchema: true, subjectFor: (_topic, recordName) => needName(recordName) };
    case 'TopicRecordNameStrategy':
      return { usesSchema: true, subjectFor: (topic, recordName) => `${topic}-${needName(recordName)}` };
    default:
      throw new ConfigError(`Invalid value ${className} for configuration ${key}: ${supported}`, { key });
  }
}

export const supported = `must be one of ${names.map((name) => `${folder}.${name}`).join(', ')}`;

export function strategyOf(className: string): (typeof names)[number] | null {
  return names.find((name) => className === name || className === `${folder}.${name}`) ?? null;
}
