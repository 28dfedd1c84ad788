import type { STSClientConfig } from '@aws-sdk/client-sts';
import { RetriableError } from '../src/api/index.ts';

/** Taken by `sts:AssumeRole`. */
export interface AssumedRole {
  readonly arn: string;
  readonly sessionName: string;
  readonly externalId: string | null;
  /** Null: an hour, as AWS has it. */
  readonly durationSeconds: number | null;
}

/** Credentials of the role, which the SDK asks for again before they end. `sts`: as whom, and where, it is taken. */
export async function assumedRole(role: AssumedRole, sts: STSClientConfig) {
  const { STSClient, AssumeRoleCommand } = await import('./sts-sdk.ts');
  const client = new STSClient(sts);
  return async () => {
    const { Credentials: given } = await client.send(
      new AssumeRoleCommand({
        RoleArn: role.arn,
        RoleSessionName: role.sessionName,
        ...(role.durationSeconds === null ? {} : { DurationSeconds: role.durationSeconds }),
        ...(role.externalId === null ? {} : { ExternalId: role.externalId }),
      }),
    );
    if (given?.AccessKeyId === undefined || given.SecretAccessKey === undefined) {
      throw new RetriableError(`The role ${role.arn} was assumed, but its credentials did not come`);
    }
    return {
      accessKeyId: given.AccessKeyId,
      secretAccessKey: given.SecretAccessKey,
      ...(given.SessionToken === undefined ? {} : { sessionToken: given.SessionToken }),
      ...(given.Expiration === undefined ? {} : { expiration: given.Expiration }),
    };
  };
}
