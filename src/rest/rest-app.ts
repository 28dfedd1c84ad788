import { ConnectError, traceOf } from '../errors.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { mapError, routingError } from './error-mapper.ts';
import { parseJson, writeJson } from './json-body.ts';
import { pathSegments, Query, type RestRequest, type RestResponse } from './rest-request.ts';
import type { Answer, RestDeps, Route } from './route.ts';
import { routes } from './routes.ts';

export type RestApp = (request: RestRequest) => Promise<RestResponse>;

export interface RestAppDeps extends RestDeps {
  readonly telemetry: Telemetry;
}

const json = 'application/json';

/** Answers a request; never rejects. */
export function createRestApp(deps: RestAppDeps): RestApp {
  return async (request) => {
    try {
      return await answer(deps, request);
    } catch (error) {
      return failure(deps, request, error);
    }
  };
}

async function answer(deps: RestAppDeps, request: RestRequest): Promise<RestResponse> {
  const path = pathSegments(request);
  if ('refused' in path) throw new ConnectError('request.invalid', path.refused);
  // In Java's order: the path, the method, what is sent, what is accepted; only then the connector is looked up.
  const there = matching(path.segments);
  if (there.length === 0) return respond(404, routingError(404));
  if (request.method === 'OPTIONS') return options(there);
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const found = there.find(({ route }) => route.method === method);
  if (found === undefined) return respond(405, routingError(405), { allow: allowed(there) });
  if (!isMediaType(request.headers['content-type'])) {
    throw new ConnectError('request.invalid', 'The Content-Type header is not a media type');
  }
  if (!isJsonSent(request, found.route)) return respond(415, routingError(415));
  if (!acceptsJson(request.headers.accept)) return respond(406, routingError(406));
  if (found.params === null) return respond(404, routingError(404));

  const { route, params } = found;
  const result = await route.handle({
    herder: deps.herder,
    params,
    query: new Query(request.query),
    hasBody: request.body.trim() !== '',
    body: () => readBody(request),
  });
  const response = success(request, route, result);
  return request.method === 'HEAD' ? { ...response, body: '' } : response;
}

interface Match {
  readonly route: Route;
  /** Null: a placeholder of a number holds something else. */
  readonly params: Readonly<Record<string, string>> | null;
}

const templates = routes.map((route) => ({ route, segments: route.path.split('/').filter((part) => part !== '') }));

function matching(segments: readonly string[]): Match[] {
  return templates
    .filter(
      (template) =>
        template.segments.length === segments.length &&
        template.segments.every((part, index) => part.startsWith('{') || part === segments[index]),
    )
    .map((template) => ({ route: template.route, params: paramsOf(template.segments, segments) }));
}

function paramsOf(template: readonly string[], segments: readonly string[]): Record<string, string> | null {
  const params: Record<string, string> = {};
  for (const [index, part] of template.entries()) {
    if (!part.startsWith('{')) continue;
    const name = part.slice(1, -1);
    const value = segments[index]!;
    if (name === 'task') {
      const number = int32(value);
      if (number === null) return null;
      params[name] = String(number);
    } else params[name] = value;
  }
  return params;
}

function int32(text: string): number | null {
  if (!/^[+-]?[0-9]{1,20}$/.test(text)) return null;
  const number = Number(text);
  return number > 2_147_483_647 || number < -2_147_483_648 ? null : number;
}

function allowed(there: readonly Match[]): string {
  const methods = there.map(({ route }) => route.method as string);
  if (methods.includes('GET')) methods.push('HEAD');
  return [...methods, 'OPTIONS'].join(',');
}

function options(there: readonly Match[]): RestResponse {
  const allow = allowed(there);
  return { status: 200, headers: { allow, 'content-type': 'text/plain' }, body: allow.replaceAll(',', ', ') };
}

function isMediaType(contentType: string | undefined): boolean {
  if (contentType === undefined || contentType.trim() === '') return true;
  return /^\s*[^\s/;,]+\/[^\s/;,]+\s*(?:;.*)?$/.test(contentType);
}

/** A content type must be JSON's even where no body is read; a body that is read must have one. */
function isJsonSent(request: RestRequest, route: Route): boolean {
  const contentType = request.headers['content-type'];
  if (contentType === undefined || contentType.trim() === '') return route.body === undefined || request.body === '';
  const type = mediaType(contentType);
  return type === json || (route.body === undefined && (type === '*/*' || type === 'application/*'));
}

function mediaType(header: string): string {
  return header.split(';', 1)[0]!.trim().toLowerCase();
}

function acceptsJson(accept: string | undefined): boolean {
  if (accept === undefined || accept.trim() === '') return true;
  return accept
    .split(',')
    .map(mediaType)
    .some((type) => type === '*/*' || type === '*' || type === 'application/*' || type === json || type === '*/json');
}

function readBody(request: RestRequest) {
  if (request.bodyNotUtf8 === true) throw new ConnectError('body.malformed', 'The request body is not UTF-8');
  if (request.body.trim() === '') throw new ConnectError('request.invalid', 'The request has no body');
  return parseJson(request.body);
}

function success(request: RestRequest, route: Route, { status, body, location, next }: Answer): RestResponse {
  const headers = {
    ...(location === undefined ? {} : { location: `${request.baseUrl}${location}` }),
    ...(next == null ? {} : { link: `<${request.baseUrl}${request.path}?${querySaying(request, next)}>; rel="next"` }),
  };
  return respond(status ?? route.success, body, headers);
}

/** The request's own parameters, with these in place of what it has said. */
function querySaying(request: RestRequest, parameters: Readonly<Record<string, string>>): string {
  const query = new URLSearchParams(request.query);
  for (const [name, value] of Object.entries(parameters)) query.set(name, value);
  return query.toString();
}

/** A status without content has no body; any other answer is JSON. */
function respond(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): RestResponse {
  if (body === undefined) return { status, headers, body: '' };
  return { status, headers: { ...headers, 'content-type': json }, body: writeJson(body) };
}

function failure({ telemetry }: RestAppDeps, request: RestRequest, error: unknown): RestResponse {
  const { answer: body, foreseen } = mapError(error);
  if (!foreseen || body.error_code >= 500) {
    const { method, path } = request;
    telemetry.emit('rest.failed', { method, path, error: String(error), trace: traceOf(error) });
  }
  return respond(body.error_code, body);
}
