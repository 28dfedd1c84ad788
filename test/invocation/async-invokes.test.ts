import { afterEach, describe, expect, it } from 'vitest';
import { invokesByEnvironment, SdkInvokes, SignedInvokes } from '../../src/invocation/async-invokes.ts';
import { LambdaInvoker } from '../../src/invocation/lambda.ts';
import { type Answer, answeringServer } from '../support/answering-server.ts';
import { signedAsSdk } from '../support/signed-as-sdk.ts';

const region = 'eu-central-1';
const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a secret', sessionToken: 'a/session+token==' };
const arn = 'arn:aws:lambda:eu-central-1:111122223333:function:task';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

const accepted: Answer = (response) => response.writeHead(202).end();
/** As Lambda says it: the exception is in a header. */
const refused =
  (name: string, status: number): Answer =>
  (response) =>
    response.writeHead(status, { 'x-amzn-errortype': name }).end(JSON.stringify({ Type: 'User', Message: 'because' }));

async function serverWith(...answers: Answer[]) {
  const { seen, endpoint, close } = await answeringServer(...answers);
  closing.push(close);
  const invokes = new SignedInvokes({ endpoint, region, credentials });
  closing.push(() => invokes.destroy());
  return { seen, invokes };
}

describe('asynchronous invocations over plain HTTP', () => {
  it.each(['task', arn])('are signed as the SDK signs (%s)', async (functionName) => {
    const { seen, invokes } = await serverWith(accepted);
    await invokes.invoke(functionName, '{"connector":"ä"}');
    const { path, headers, body } = seen[0]!;
    expect(decodeURIComponent(path)).toBe(`/2015-03-31/functions/${functionName}/invocations`);
    expect(headers['x-amz-invocation-type']).toBe('Event');
    expect(body).toBe('{"connector":"ä"}');
    expect(headers.authorization).toBe(await signedAsSdk(seen[0]!, { service: 'lambda', region, credentials }));
  });

  it.each([
    ['throttled', refused('TooManyRequestsException', 429)],
    ['failed by the service', refused('ServiceException', 500)],
    ['cut off', ((response) => response.socket?.destroy()) as Answer],
  ])('one that is %s is sent again', async (_, fault) => {
    const { seen, invokes } = await serverWith(fault, accepted);
    await invokes.invoke('task', '{}');
    expect(seen).toHaveLength(2);
  });

  it('one that Lambda refuses is not, and bears its name', async () => {
    const { seen, invokes } = await serverWith(refused('ResourceNotFoundException:http://internal.amazon.com/', 404));
    const run = { kind: 'probe' } as const;
    await expect(invokes.invoke('task', '{}')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    await expect(new LambdaInvoker({ invokes, functionName: 'task' }).invoke(run)).rejects.toMatchObject({
      code: 'invocation.refused',
      message: 'Lambda refused to run task: because',
    });
    expect(seen).toHaveLength(2);
  });
});

it('the environment says which way', () => {
  const lambda = { AWS_REGION: region, AWS_ACCESS_KEY_ID: 'A', AWS_SECRET_ACCESS_KEY: 'S' };
  expect(invokesByEnvironment(lambda)).toBeInstanceOf(SignedInvokes);
  expect(invokesByEnvironment({ ...lambda, AWS_PROFILE: 'mine' })).toBeInstanceOf(SdkInvokes);
});
