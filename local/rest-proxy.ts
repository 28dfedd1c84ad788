import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { HttpApiEvent, HttpApiResult } from '../src/rest/api-gateway.ts';

/**
 * API Gateway under an address that every client can resolve: `http://127.0.0.1:<port>/…` is handed on to the emulator's
 * address of the API, path and query untouched; `/hooks/…` to that of webhooks. Usage: node rest-proxy.ts <port> <emulator
 * port> <api id> <rest function> <api id of webhooks>
 *
 * The emulator answers OPTIONS itself, with 403 for an API without CORS. API Gateway hands it to the route `$default` as
 * any other method, so the function is asked here.
 */
const [port, emulatorPort, apiId, functionName, hooksApiId] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true });

const server = createServer((incoming, outgoing) => {
  const toHooks = incoming.url?.startsWith('/hooks/') === true;
  if (incoming.method === 'OPTIONS' && !toHooks) {
    incoming.resume();
    askFunction(incoming).then(
      ({ statusCode, headers, body }) => outgoing.writeHead(statusCode, headers).end(body),
      (error: Error) => doesNotAnswer(outgoing, error),
    );
    return;
  }
  const forwarded = request(
    {
      agent,
      host: '127.0.0.1',
      port: Number(emulatorPort),
      method: incoming.method,
      path: `/_aws/execute-api/${toHooks ? hooksApiId : apiId}/$default${incoming.url}`,
      headers: { ...incoming.headers, 'x-forwarded-proto': 'http', 'x-forwarded-uri': incoming.url },
    },
    (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    },
  );
  forwarded.on('error', (error) => doesNotAnswer(outgoing, error));
  incoming.pipe(forwarded);
});
server.listen(Number(port), '127.0.0.1');

function doesNotAnswer(outgoing: ServerResponse, error: Error): void {
  if (!outgoing.headersSent) outgoing.writeHead(502, { 'content-type': 'application/json' });
  outgoing.end(JSON.stringify({ error_code: 502, message: `API Gateway does not answer: ${error.message}` }));
}

async function askFunction({ method = '', url = '/', headers }: IncomingMessage): Promise<HttpApiResult> {
  const [path = '/', query = ''] = url.split(/\?(.*)/s);
  const event: HttpApiEvent = {
    rawPath: path,
    rawQueryString: query,
    headers: {
      ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
      'x-forwarded-proto': 'http',
    },
    requestContext: { stage: '$default', http: { method } },
  };
  const invoke = `http://127.0.0.1:${emulatorPort}/2015-03-31/functions/${functionName}/invocations`;
  const answer = await fetch(invoke, { method: 'POST', body: JSON.stringify(event) });
  if (!answer.ok || answer.headers.has('x-amz-function-error')) throw new Error(await answer.text());
  return (await answer.json()) as HttpApiResult;
}
