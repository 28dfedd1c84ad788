import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { ConnectError } from '../errors.ts';
import { type GatewayOptions, type HttpApiEvent, type HttpApiResult, requestOf, resultOf } from './api-gateway.ts';
import { writeJson } from './json-body.ts';
import { createRestApp, type RestAppDeps } from './rest-app.ts';
import type { RestRequest, RestResponse } from './rest-request.ts';

export interface RestHandlerDeps extends RestAppDeps, Partial<GatewayOptions> {
  /** Around every request: log levels, say. */
  readonly middleware?: middy.MiddlewareObj;
}

export type RestHandler = (event: HttpApiEvent, context: Context) => Promise<HttpApiResult>;

/** The Lambda handler of the REST function. API Gateway's shapes stop at its middleware: the app knows plain requests. */
export function createRestHandler(deps: RestHandlerDeps): RestHandler {
  const app = createRestApp(deps);
  const handler: unknown = middy<RestRequest, RestResponse>()
    .use(deps.middleware ?? {})
    .use(httpApi({ pathPrefix: deps.pathPrefix ?? '' }))
    .handler((request: RestRequest) => app(request));
  return handler as RestHandler; // Its middleware changes both types.
}

/** Answers every request with the error that kept the REST API from starting, and 500. */
export function refusingHandler(error: unknown): RestHandler {
  const message = error instanceof ConnectError ? error.message : 'The REST API could not start; the log tells more';
  const headers = { 'content-type': 'application/json' };
  return async () => resultOf({ status: 500, headers, body: writeJson({ error_code: 500, message }) }, undefined);
}

/** The event becomes a plain request before the handler, its plain response the gateway's after it. */
function httpApi(options: GatewayOptions): middy.MiddlewareObj<unknown, unknown> {
  const events = new WeakMap<object, RestRequest>();
  return {
    before(call) {
      const request = requestOf(call.event as HttpApiEvent, options);
      events.set(call, request);
      call.event = request;
    },
    after(call) {
      call.response = resultOf(call.response as RestResponse, events.get(call)?.headers['accept-encoding']);
    },
  };
}
