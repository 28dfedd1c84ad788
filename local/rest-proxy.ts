import { Agent, createServer, request } from 'node:http';

/**
 * API Gateway under an address that every client can resolve: `http://127.0.0.1:<port>/…` is handed on to the emulator's
 * address of the API, path and query untouched; `/hooks/…` to that of webhooks. Usage: node rest-proxy.ts <port> <emulator
 * port> <api id> <api id of webhooks>
 */
const [port, emulatorPort, apiId, hooksApiId] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true });

const server = createServer((incoming, outgoing) => {
  const forwarded = request(
    {
      agent,
      host: '127.0.0.1',
      port: Number(emulatorPort),
      method: incoming.method,
      path: `/_aws/execute-api/${incoming.url?.startsWith('/hooks/') ? hooksApiId : apiId}/$default${incoming.url}`,
      headers: { ...incoming.headers, 'x-forwarded-proto': 'http', 'x-forwarded-uri': incoming.url },
    },
    (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    },
  );
  forwarded.on('error', (error) => {
    if (!outgoing.headersSent) outgoing.writeHead(502, { 'content-type': 'application/json' });
    outgoing.end(JSON.stringify({ error_code: 502, message: `API Gateway does not answer: ${error.message}` }));
  });
  incoming.pipe(forwarded);
});
server.listen(Number(port), '127.0.0.1');
