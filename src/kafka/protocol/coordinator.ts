import type { ApiCall } from './request.ts';

export interface FindCoordinatorRequest {
  readonly key: string;
  readonly kind: 'group' | 'transaction';
}

export interface FindCoordinatorResponse {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

export const findCoordinatorCall: ApiCall<FindCoordinatorRequest, FindCoordinatorResponse> = {
  name: 'FindCoordinator',
  key: 10,
  version: 3,
  write(writer, request) {
    writer
      .string(request.key)
      .int8(request.kind === 'group' ? 0 : 1)
      .noTags();
  },
  read(reader) {
    reader.int32();
    return {
      errorCode: reader.int16(),
      errorMessage: reader.string(),
      nodeId: reader.int32(),
      host: reader.string() ?? '',
      port: reader.int32(),
    };
  },
};
