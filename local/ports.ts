import { randomInt } from 'node:crypto';
import { createServer, Socket } from 'node:net';

/**
 * Below what systems give to those who ask for any port, outgoing connections among them (Linux: from 32768): such a
 * port could be taken between its choice and the start of the server.
 */
const first = 12_000;
const end = 32_000;
const chosen = new Set<number>();

/** A port of 127.0.0.1 that nobody listens on just now; another one at each call. */
export async function freePort(): Promise<number> {
  while (chosen.size < end - first) {
    const port = randomInt(first, end);
    if (chosen.has(port)) continue;
    chosen.add(port);
    if (await isPortFree(port)) return port;
  }
  throw new Error(`Every port from ${first} to ${end - 1} is taken, or was chosen before`);
}

/** Whether a server could be started there. */
export function isPortFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Sends `request` and answers the first bytes that come back; rejects when the connection fails or stays silent. */
export function askOnce(port: number, request: Buffer, timeoutMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = new Socket();
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`No answer from port ${port}`)));
    socket.once('error', reject);
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data);
    });
    socket.once('close', () => reject(new Error(`Port ${port} closed the connection`)));
    socket.connect(port, '127.0.0.1', () => socket.write(request));
  });
}
