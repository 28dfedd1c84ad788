import type { ApiCall } from './request.ts';

/** Of the groups that the asked broker coordinates and the caller may see. */
export const listGroupsCall: ApiCall<
  null,
  { errorCode: number; groups: { readonly group: string; readonly protocolType: string }[] }
> = {
  name: 'ListGroups',
  key: 16,
  version: 3,
  write(writer) {
    writer.noTags();
  },
  read(reader) {
    reader.int32();
    return {
      errorCode: reader.int16(),
      groups: reader.structures(() => ({ group: reader.string() ?? '', protocolType: reader.string() ?? '' })),
    };
  },
};

export interface DescribedGroup {
  readonly errorCode: number;
  readonly group: string;
  readonly protocolType: string;
  readonly members: readonly { readonly memberId: string; readonly clientId: string; readonly host: string }[];
}

export const describeGroupsCall: ApiCall<readonly string[], DescribedGroup[]> = {
  name: 'DescribeGroups',
  key: 15,
  version: 5,
  write(writer, groups) {
    writer.unsignedVarint(groups.length + 1);
    for (const group of groups) writer.string(group);
    writer.boolean(false).noTags();
  },
  read(reader) {
    reader.int32();
    return reader.structures(() => {
      const errorCode = reader.int16();
      const group = reader.string() ?? '';
      reader.string();
      const protocolType = reader.string() ?? '';
      reader.string();
      const members = reader.structures(() => {
        const memberId = reader.string() ?? '';
        reader.string();
        const member = { memberId, clientId: reader.string() ?? '', host: reader.string() ?? '' };
        reader.extent();
        reader.extent();
        return member;
      });
      reader.int32();
      return { errorCode, group, protocolType, members };
    });
  },
};
