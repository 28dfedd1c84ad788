import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import {
  answerResourceRequest,
  parseResourceRequest,
  type ResourceAnswer,
  type ResourceRequest,
} from '../src/invocation/custom-resource.ts';
import { type ConnectorResourceDeps, handleConnectorResource, refuseConnectorResource } from './connector-resource.ts';
import { clock, deadlineOf, loggerLevels, stores, telemetry } from './function-context.ts';
import { installationHerder } from './herder.ts';

let known: ConnectorResourceDeps | null = null;

function deps(): ConnectorResourceDeps {
  const { config: configs, declarations } = stores;
  known ??= { herder: installationHerder(), configs, declarations, clock, telemetry };
  return known;
}

async function answerTo(request: ResourceRequest, deadlineAt: number): Promise<ResourceAnswer> {
  try {
    return await handleConnectorResource(deps(), request, deadlineAt);
  } catch (error) {
    return refuseConnectorResource(telemetry, request, error);
  }
}

/** Fails only where CloudFormation cannot be answered: Lambda then hands over the request again, which does no harm. */
export const handler = middy<unknown, void>({ timeoutEarlyInMillis: 0 })
  .use(loggerLevels())
  .handler(async (event: unknown, context: Context) => {
    const request = parseResourceRequest(event, process.env.AWS_ENDPOINT_URL);
    await answerResourceRequest(request, await answerTo(request, deadlineOf(context)), clock);
  });
