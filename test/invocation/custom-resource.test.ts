import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import {
  answerResourceRequest,
  parseResourceRequest,
  type ResourceAnswer,
} from '../../src/invocation/custom-resource.ts';
import { HastyClock } from '../support/hasty-clock.ts';

const url = 'https://cloudformation-custom-resource-response-euwest1.s3.eu-west-1.amazonaws.com/x?X-Amz-Signature=y';
const event = {
  RequestType: 'Create',
  RequestId: 'r',
  StackId: 'arn:stack',
  LogicalResourceId: 'Orders',
  ResponseURL: url,
  ResourceProperties: { Name: 'orders' },
};

describe('a request of CloudFormation', () => {
  it('is read', () => {
    expect(parseResourceRequest(event, undefined)).toEqual({
      kind: 'create',
      physicalId: null,
      stack: 'arn:stack',
      resource: 'Orders',
      properties: { Name: 'orders' },
      answerUrl: new URL(url),
      requestId: 'r',
    });
    const update = { ...event, RequestType: 'Update', PhysicalResourceId: 'orders' };
    expect(parseResourceRequest(update, undefined)).toMatchObject({ kind: 'update', physicalId: 'orders' });
  });

  it.each([
    [null, 'it is no object'],
    [[], 'it is no object'],
    [{ ...event, RequestType: 'Drop' }, 'RequestType is "Drop"'],
    [{ ...event, RequestType: 'constructor' }, 'RequestType is "constructor"'],
    [{ ...event, RequestType: 'Update' }, 'PhysicalResourceId is missing'],
    [{ ...event, StackId: 7 }, 'StackId is missing'],
    [{ ...event, ResourceProperties: [] }, 'ResourceProperties is no object'],
    [{ ...event, ResponseURL: 'nowhere' }, 'ResponseURL is no URL'],
    [{ ...event, ResponseURL: 'http://169.254.169.254/latest' }, 'leads to 169.254.169.254, which is not S3'],
    [{ ...event, ResponseURL: 'https://evil.example/?.amazonaws.com' }, 'leads to evil.example'],
    [{ ...event, ResponseURL: 'https://x.amazonaws.com.evil.example/' }, 'leads to x.amazonaws.com.evil.example'],
    [{ ...event, ResponseURL: 'http://x.s3.amazonaws.com/' }, 'leads to x.s3.amazonaws.com'],
    [{ ...event, ResponseURL: 'http://localhost:4566/' }, 'leads to localhost:4566'],
  ])('that is none is refused: %j', (value, words) => {
    expect(() => parseResourceRequest(value, undefined)).toThrow(words);
  });

  it('of an emulator is answered there, and nowhere else on this machine', () => {
    const of = (port: number) => ({ ...event, ResponseURL: `http://localhost:${port}/_ministack/x` });
    expect(parseResourceRequest(of(4566), 'http://127.0.0.1:4566').answerUrl.port).toBe('4566');
    expect(() => parseResourceRequest(of(22), 'http://127.0.0.1:4566')).toThrow('which is not S3');
  });
});

describe('the answer', () => {
  const request = parseResourceRequest(event, undefined);
  const fine: ResourceAnswer = { physicalId: 'orders', failure: null, data: { Change: 'created' } };
  const servers: (() => void)[] = [];
  afterEach(() => {
    for (const stop of servers.splice(0)) stop();
  });

  /** Answers with these statuses, one after the other; what was sent is told. */
  async function bucket(...statuses: number[]) {
    const seen: { body: string; method: string | undefined; type: string | undefined }[] = [];
    const server = createServer((incoming, outgoing) => {
      const parts: Buffer[] = [];
      incoming.on('data', (part: Buffer) => parts.push(part));
      incoming.on('end', () => {
        seen.push({
          body: Buffer.concat(parts).toString(),
          method: incoming.method,
          type: incoming.headers['content-type'],
        });
        outgoing.writeHead(statuses[seen.length - 1] ?? 200).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.push(() => server.close());
    return { answerUrl: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/x?y`), seen };
  }

  it('is put without a content type, which the signature of its URL does not have', async () => {
    const { answerUrl, seen } = await bucket();
    await answerResourceRequest({ ...request, answerUrl }, fine, new HastyClock());
    expect(seen).toMatchObject([{ method: 'PUT', type: '' }]);
    expect(JSON.parse(seen[0]!.body)).toEqual({
      Status: 'SUCCESS',
      PhysicalResourceId: 'orders',
      StackId: 'arn:stack',
      RequestId: 'r',
      LogicalResourceId: 'Orders',
      Data: { Change: 'created' },
    });
  });

  it('is sent again while S3 does not take it, and at last is an error, for which Lambda begins anew', async () => {
    const clock = new HastyClock();
    const { answerUrl, seen } = await bucket(503, 500);
    await answerResourceRequest({ ...request, answerUrl }, fine, clock);
    expect(seen).toHaveLength(3);
    const never = await bucket(403, 403, 403, 403, 403);
    await expect(answerResourceRequest({ ...request, answerUrl: never.answerUrl }, fine, clock)).rejects.toThrow(
      'CloudFormation could not be answered: it answered 403',
    );
  });

  it.each([
    ['many lines', Array.from({ length: 500 }, (_, index) => `setting.${index}: Invalid value`).join('\n')],
    ['one long line', 'x'.repeat(100_000)],
    ['what grows in JSON', '"\n\u0000ü€😀'.repeat(5000)],
  ])('fits into 4096 bytes: %s', async (_what, failure) => {
    const { answerUrl, seen } = await bucket();
    await answerResourceRequest(
      { ...request, answerUrl },
      { ...fine, physicalId: 'n'.repeat(1000), failure, data: {} },
      new HastyClock(),
    );
    expect(Buffer.byteLength(seen[0]!.body)).toBeLessThanOrEqual(4096);
    const { Reason: reason, Status: status } = JSON.parse(seen[0]!.body);
    expect(status).toBe('FAILED');
    expect(reason.length).toBeGreaterThan(100);
    expect(reason.isWellFormed()).toBe(true);
  });

  it('names settings whole, and how many lines are left out', async () => {
    const { answerUrl, seen } = await bucket();
    const failure = Array.from({ length: 500 }, (_, index) => `setting.${index}: Invalid value`).join('\n');
    await answerResourceRequest({ ...request, answerUrl }, { ...fine, failure }, new HastyClock());
    const lines: string[] = JSON.parse(seen[0]!.body).Reason.split('\n');
    for (const line of lines.slice(0, -1)) expect(line).toMatch(/^setting\.\d+: Invalid value$/);
    expect(lines.at(-1)).toBe(`… and ${500 - lines.length + 1} lines more`);
  });
});
