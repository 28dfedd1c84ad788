import { createHash } from 'node:crypto';
import protobuf from 'protobufjs';

/** The message that Amazon's producer library writes, by its published description. */
export const aggregatedType = protobuf
  .parse(
    `syntax = "proto2";
  message AggregatedRecord {
    repeated string partition_key_table = 1;
    repeated string explicit_hash_key_table = 2;
    repeated Record records = 3;
  }
  message Tag { required string key = 1; optional string value = 2; }
  message Record {
    required uint64 partition_key_index = 1;
    optional uint64 explicit_hash_key_index = 2;
    required bytes data = 3;
    repeated Tag tags = 4;
  }`,
  )
  .root.lookupType('AggregatedRecord');

/** Puts records together as that library does. */
export function aggregate(parts: readonly { readonly key: string; readonly data: Uint8Array }[]): Buffer {
  const keys = [...new Set(parts.map(({ key }) => key))];
  const message = aggregatedType
    .encode(
      aggregatedType.create({
        partitionKeyTable: keys,
        records: parts.map(({ key, data }) => ({ partitionKeyIndex: keys.indexOf(key), data })),
      }),
    )
    .finish();
  const digest = createHash('md5').update(message).digest();
  return Buffer.concat([Buffer.from([0xf3, 0x89, 0x9a, 0xc2]), message, digest]);
}
