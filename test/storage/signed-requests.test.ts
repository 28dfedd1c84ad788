import { afterEach, describe, expect, it } from 'vitest';
import { leanAccess } from '../../src/aws-requests/by-environment.ts';
import { SignedRequests, type SignedRequestsOptions } from '../../src/storage/dynamodb/signed-requests.ts';
import { type Answer, answeringServer } from '../support/answering-server.ts';
import { signedAsSdk } from '../support/signed-as-sdk.ts';

const region = 'eu-central-1';
const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a secret', sessionToken: 'a/session+token==' };
const get = { TableName: 't', Key: { pk: { S: 'C#ä' }, sk: { S: 'STATE' } } };
const update = { TableName: 't', Key: get.Key, UpdateExpression: 'SET #a = :a' };

const ok =
  (output: unknown): Answer =>
  (response) =>
    response.end(JSON.stringify(output));

const refused =
  (name: string, status = 400, more: object = {}, headers: Record<string, string> = {}): Answer =>
  (response) => {
    response.writeHead(status, headers);
    response.end(JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${name}`, message: 'because', ...more }));
  };

const reset: Answer = (response) => response.socket?.destroy();

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** One that answers in turn, the last one for ever. */
async function serverWith(...answers: Answer[]) {
  const { seen, endpoint, close } = await answeringServer(...answers);
  closing.push(close);
  return {
    seen,
    requests(options: Partial<SignedRequestsOptions> = {}) {
      const requests = new SignedRequests({ endpoint, region, credentials, ...options });
      closing.push(() => requests.destroy());
      return requests;
    },
  };
}

describe('requests to DynamoDB over plain HTTP', () => {
  it('are signed as the SDK signs', async () => {
    const { seen, requests } = await serverWith(ok({ Item: { pk: { S: 'C#ä' }, n: { N: '1' } } }));
    expect(await requests().send('GetItem', get)).toEqual({ Item: { pk: { S: 'C#ä' }, n: { N: '1' } } });
    const { headers, body } = seen[0]!;
    expect(JSON.parse(body)).toEqual(get);
    expect(headers['x-amz-target']).toBe('DynamoDB_20120810.GetItem');
    expect(headers.authorization).toBe(await signedAsSdk(seen[0]!, { service: 'dynamodb', region, credentials }));
  });

  it('a refused condition is not tried again, and brings the row', async () => {
    const { seen, requests } = await serverWith(
      refused('ConditionalCheckFailedException', 400, { Item: { a: { S: 'x' } } }),
    );
    await expect(requests().send('UpdateItem', update)).rejects.toMatchObject({
      name: 'ConditionalCheckFailedException',
      message: 'because',
      Item: { a: { S: 'x' } },
    });
    expect(seen).toHaveLength(1);
  });

  it('a cancelled transaction brings the reasons', async () => {
    const CancellationReasons = [{ Code: 'None' }, { Code: 'ConditionalCheckFailed', Item: { a: { N: '1' } } }];
    const { requests } = await serverWith(refused('TransactionCanceledException', 400, { CancellationReasons }));
    await expect(requests().send('TransactWriteItems', { TransactItems: [] })).rejects.toMatchObject({
      name: 'TransactionCanceledException',
      CancellationReasons,
    });
  });

  it.each([
    ['a throttled one', refused('ProvisionedThroughputExceededException')],
    ['one that the service failed', refused('InternalServerError', 500)],
    ['one that something in between failed', ((response) => response.writeHead(503).end('<html>')) as Answer],
    ['one whose connection broke', reset],
    [
      'one whose answer broke off',
      ((response) => response.writeHead(200, { 'content-length': '10' }).end('{')) as Answer,
    ],
  ])('%s is sent again', async (_, fault) => {
    const { seen, requests } = await serverWith(fault, ok({}));
    expect(await requests().send('GetItem', get)).toEqual({});
    expect(seen).toHaveLength(2);
  });

  it('a silent one is given up in its time and sent again', async () => {
    const { seen, requests } = await serverWith(() => {}, ok({}));
    expect(await requests({ requestTimeoutMs: 100 }).send('GetItem', get)).toEqual({});
    expect(seen).toHaveLength(2);
  });

  it('a transaction that is sent again is the same one', async () => {
    const { seen, requests } = await serverWith(reset, ok({}), ok({}));
    const way = requests();
    await way.send('TransactWriteItems', { TransactItems: [] });
    await way.send('TransactWriteItems', { TransactItems: [] });
    const tokens = seen.map(({ body }) => (JSON.parse(body) as { ClientRequestToken: string }).ClientRequestToken);
    expect(tokens[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(tokens[1]).toBe(tokens[0]);
    expect(tokens[2]).not.toBe(tokens[0]);
  });

  it.each([
    ['InternalServerError', 500],
    ['ThrottlingException', 400],
  ])('gives up after so many attempts, with what it was told last (%s)', async (name, status) => {
    const { seen, requests } = await serverWith(refused(name, status));
    await expect(requests({ attempts: 2 }).send('GetItem', get)).rejects.toMatchObject({ name });
    expect(seen).toHaveLength(2);
  });

  it.each(['AccessDeniedException', 'ResourceNotFoundException', 'ValidationException'])(
    '%s is final, though its answer tells the time',
    async (name) => {
      const { seen, requests } = await serverWith(refused(name, 400, {}, { date: new Date().toUTCString() }));
      await expect(requests().send('GetItem', get)).rejects.toMatchObject({ name });
      expect(seen).toHaveLength(1);
    },
  );

  it('a clock that is far off is set right by the answer, and stays so', async () => {
    const hour = 3_600_000;
    const skewed: Answer = (response, request) => {
      const told = request.headers['x-amz-date'] as string;
      const at = Date.parse(told.replace(/(....)(..)(..)T(..)(..)(..)Z/, '$1-$2-$3T$4:$5:$6Z'));
      const isOff = Math.abs(at - Date.now()) > 60_000;
      const answer = isOff ? refused('InvalidSignatureException', 400, {}, { date: new Date().toUTCString() }) : ok({});
      answer(response, request);
    };
    const { seen, requests } = await serverWith(skewed);
    const way = requests({ now: () => Date.now() - hour });
    expect(await way.send('GetItem', get)).toEqual({});
    expect(await way.send('GetItem', get)).toEqual({});
    expect(seen).toHaveLength(3);
  });

  it('connections are used again', async () => {
    const ports = new Set<number | undefined>();
    const { requests } = await serverWith((response) => {
      ports.add(response.socket?.remotePort);
      response.end('{}');
    });
    const way = requests();
    for (let i = 0; i < 5; i++) await way.send('GetItem', get);
    expect(ports.size).toBe(1);
  });
});

describe('which way to DynamoDB an environment says', () => {
  const lambda = { AWS_REGION: region, AWS_ACCESS_KEY_ID: 'A', AWS_SECRET_ACCESS_KEY: 'S', AWS_SESSION_TOKEN: 'T' };

  it.each([
    [{}, 'https://dynamodb.eu-central-1.amazonaws.com'],
    [{ AWS_REGION: 'us-gov-west-1' }, 'https://dynamodb.us-gov-west-1.amazonaws.com'],
    [{ AWS_REGION: 'cn-north-1' }, 'https://dynamodb.cn-north-1.amazonaws.com.cn'],
    [{ AWS_ENDPOINT_URL: 'http://local:1' }, 'http://local:1'],
    [{ AWS_ENDPOINT_URL: 'http://local:1', AWS_ENDPOINT_URL_DYNAMODB: 'http://local:2' }, 'http://local:2'],
    // Only AWS's own resolver knows where these are.
    [{ AWS_REGION: 'us-iso-east-1' }, null],
    [{ AWS_REGION: 'eusc-de-east-1' }, null],
    [{ AWS_USE_FIPS_ENDPOINT: 'true' }, null],
    [{ AWS_USE_DUALSTACK_ENDPOINT: 'true' }, null],
    // As with SnapStart and in containers, where an address gives credentials.
    [{ AWS_ACCESS_KEY_ID: undefined }, null],
    [{ AWS_PROFILE: 'mine' }, null],
    [{ AWS_REGION: undefined }, null],
  ])('%j', (more, endpoint) => {
    expect(leanAccess({ ...lambda, ...more }, 'dynamodb')?.endpoint ?? null).toBe(endpoint);
  });

  it('takes the credentials as they stand there', () => {
    expect(leanAccess(lambda, 'dynamodb')?.credentials).toEqual({
      accessKeyId: 'A',
      secretAccessKey: 'S',
      sessionToken: 'T',
    });
  });
});
