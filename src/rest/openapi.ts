import type { Schema } from './json-schema.ts';
import type { Route } from './route.ts';
import { routes } from './routes.ts';
import { errorMessage } from './schemas.ts';

/** Refusals that any route may answer. */
const always = [400, 404, 405, 406, 415, 500, 503];

const descriptions: Readonly<Record<number, string>> = {
  200: 'Done.',
  201: 'Created.',
  202: 'Accepted; running tasks follow.',
  204: 'Done, nothing to tell.',
  400: 'The request or the config in it is not valid.',
  404: 'There is no such thing.',
  405: 'The path has no such method.',
  406: 'Answers are application/json.',
  409: 'A connector of that name is there.',
  413: 'Too large to be stored or to be carried.',
  415: 'Bodies are application/json.',
  500: 'The connector refused the offsets, or something nobody foresaw.',
  503: 'The table is too busy for the moment: try again.',
};

/** The OpenAPI document of the route table. */
export function openApi(version: string): Schema {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    if (route.internal === true) continue;
    paths[route.path] ??= {};
    paths[route.path]![route.method.toLowerCase()] = operation(route);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Drover',
      version,
      description:
        "Kafka Connect's REST API on AWS Lambda. What lies under /drover/ is Drover's own; everything else answers as Kafka Connect 4.3 does.",
    },
    servers: [{ url: '/' }],
    paths,
    components: { schemas: { ErrorMessage: errorMessage } },
  };
}

function operation(route: Route): Schema {
  const statuses = [...new Set([route.success, ...(route.statuses ?? []), ...always])].sort((a, b) => a - b);
  const parameters = [...pathParameters(route.path), ...queryParameters(route)];
  return {
    operationId: route.operation,
    summary: route.summary,
    tags: [tagOf(route.path)],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === undefined
      ? {}
      : { requestBody: { required: route.bodyIsOptional !== true, content: content(route.body) } }),
    responses: Object.fromEntries(statuses.map((status) => [status, response(route, status)])),
  };
}

function tagOf(path: string): string {
  const first = path.split('/')[1];
  return first === '' || first === 'health' ? 'server' : first!;
}

/** What a path can hold: Kafka Connect's server refuses the rest, spelt out or escaped. */
const pathText = { type: 'string', minLength: 1, pattern: '^[^%/\\\\\\u0000-\\u001f\\u007f]+$' };

function pathParameters(path: string): Schema[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: name === 'task' ? { type: 'integer', format: 'int32' } : pathText,
  }));
}

function queryParameters(route: Route): Schema[] {
  return (route.query ?? []).map(({ name, doc, schema }) => ({ name, in: 'query', description: doc, schema }));
}

function response(route: Route, status: number): Schema {
  const description = descriptions[status] ?? '';
  if (status >= 400) return { description, content: content({ $ref: '#/components/schemas/ErrorMessage' }) };
  const hasBody = route.answer !== undefined && status !== 204;
  return { description, ...(hasBody ? { content: content(route.answer!) } : {}) };
}

const content = (schema: Schema): Schema => ({ 'application/json': { schema } });
