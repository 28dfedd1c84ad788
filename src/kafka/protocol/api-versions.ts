import { droverVersion } from '../../version.ts';
import type { ApiCall } from './request.ts';

export interface ApiVersionsResponse {
  readonly errorCode: number;
  /** The newest version of each call that the broker speaks, by the call's key. */
  readonly newest: ReadonlyMap<number, number>;
}

/** Its answer has the oldest header of all, so that any client can read it. */
export const apiVersionsCall: ApiCall<null, ApiVersionsResponse> = {
  name: 'ApiVersions',
  key: 18,
  version: 3,
  tagged: { request: true, response: false },
  write(writer) {
    writer.string('drover').string(droverVersion).noTags();
  },
  read(reader) {
    const errorCode = reader.int16();
    const versions = reader.structures(() => {
      const key = reader.int16();
      reader.int16();
      return [key, reader.int16()] as const;
    });
    return { errorCode, newest: new Map(versions) };
  },
};
