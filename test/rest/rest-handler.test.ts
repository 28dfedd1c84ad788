import type { Context } from 'aws-lambda';
import { expect, it } from 'vitest';
import type { Herder } from '../../src/herder/herder.ts';
import { createRestHandler } from '../../src/rest/rest-handler.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { ManualClock } from '../support/manual-clock.ts';

const herder = {
  connectorNames: async () => ({ names: ['a'], next: null }),
  connectorConfig: async (name: string) => ({ name }),
};
const context = { getRemainingTimeInMillis: () => 10_000 } as Context;
const event = (rawPath: string, method = 'GET') => ({
  rawPath,
  rawQueryString: '',
  headers: { host: 'h' },
  requestContext: { stage: '$default', http: { method } },
});

it('turns API Gateway events into plain requests and back, one call beside another', async () => {
  const order: string[] = [];
  const handler = createRestHandler({
    herder: herder as unknown as Herder,
    telemetry: createTelemetry({ clock: new ManualClock(), write: () => {} }),
    middleware: {
      before: async () => {
        order.push('before');
      },
    },
  });
  const answers = await Promise.all([
    handler(event('/connectors'), context),
    handler(event('/connectors/a%20b/config'), context),
    handler(event('/connectors', 'DELETE'), context),
  ]);
  expect(answers.map(({ statusCode, body }) => [statusCode, body])).toEqual([
    [200, '["a"]'],
    [200, '{"name":"a b"}'],
    [405, '{"error_code":405,"message":"HTTP 405 Method Not Allowed"}'],
  ]);
  expect(order).toHaveLength(3);
});
