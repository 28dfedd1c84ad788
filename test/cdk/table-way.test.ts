import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bundleFunction } from '../../cdk/bundle.ts';

/** How a function comes to its table, out of its bundle: nothing of the stack's tests lacks credentials, or fails a request. */

const folder = mkdtempSync(join(tmpdir(), 'drover-table-way-'));
const script = `
  const { handler } = await import(process.argv[1]);
  const http = { method: 'GET' };
  const event = { rawPath: '/connectors', headers: {}, requestContext: { domainName: 'host', http } };
  const context = { awsRequestId: 'a', getRemainingTimeInMillis: () => 30_000 };
  console.log('ANSWER ' + JSON.stringify(await handler(event, context)));
  process.exit(0);`;

interface Asked {
  readonly target: string;
  readonly accessKeyId: string;
}

let server: Server;
const asked: Asked[] = [];
/** How many of the next requests to the table fail. */
let failing = 0;

beforeAll(() => {
  bundleFunction({ name: 'rest', outdir: folder });
  server = createServer((request, response) => {
    if (request.url === '/credentials') {
      const expires = new Date(Date.now() + 3_600_000).toISOString();
      response.end(JSON.stringify({ AccessKeyId: 'CONTAINER', SecretAccessKey: 's', Token: 't', Expiration: expires }));
      return;
    }
    request.resume();
    request.on('end', () => {
      const target = String(request.headers['x-amz-target']);
      const [, accessKeyId = ''] = /Credential=(\w+)/.exec(request.headers.authorization ?? '') ?? [];
      asked.push({ target: target.replace(/^.*\./, ''), accessKeyId });
      if (failing-- > 0) response.writeHead(500).end('{"__type":"InternalServerError"}');
      else response.end(JSON.stringify({ Items: [], Count: 0, ScannedCount: 0 }));
    });
  });
  return new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
}, 60_000);
afterEach(() => {
  asked.length = 0;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function answerWith(environment: Readonly<Record<string, string>>) {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const program = pathToFileURL(join(folder, 'dist', 'rest.mjs')).href;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, program], {
    env: {
      PATH: process.env.PATH,
      AWS_REGION: 'eu-central-1',
      AWS_ENDPOINT_URL_DYNAMODB: url,
      DROVER_TABLE_NAME: 'table',
      DROVER_BOOTSTRAP_SERVERS: '127.0.0.1:1',
      ...(environment.container === undefined
        ? environment
        : { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/credentials` }),
    },
  });
  return JSON.parse(/ANSWER (.*)/.exec(stdout)![1]!) as { statusCode: number; body: string };
}

const keys = { AWS_ACCESS_KEY_ID: 'VARIABLES', AWS_SECRET_ACCESS_KEY: 's', AWS_SESSION_TOKEN: 't' };

describe('a function out of its bundle', () => {
  it('asks its table with the credentials of its variables', { timeout: 60_000 }, async () => {
    expect(await answerWith(keys)).toMatchObject({ statusCode: 200, body: '[]' });
    const lists = asked.filter(({ target }) => target === 'Query');
    expect(lists.length).toBeGreaterThan(0);
    expect(new Set(asked.map(({ accessKeyId }) => accessKeyId))).toEqual(new Set(['VARIABLES']));
  });

  it('asks again what has failed', { timeout: 60_000 }, async () => {
    failing = 2;
    expect(await answerWith(keys)).toMatchObject({ statusCode: 200, body: '[]' });
    expect(asked.length).toBeGreaterThan(2);
  });

  it('finds credentials that only the SDK can find', { timeout: 60_000 }, async () => {
    failing = 1;
    expect(await answerWith({ container: 'yes' })).toMatchObject({ statusCode: 200, body: '[]' });
    expect(new Set(asked.map(({ accessKeyId }) => accessKeyId))).toEqual(new Set(['CONTAINER']));
  });
});
