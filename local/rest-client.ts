/** A call to the Connect REST API; rejects with the answer's own message when it is an error. */
export async function call<T>(restUrl: string, method: string, path: string, body?: unknown): Promise<T> {
  const answer = await fetch(restUrl + path, {
    method,
    signal: AbortSignal.timeout(60_000),
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new RestError(answer.status, `${method} ${path} answered ${answer.status}: ${text}`);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

export class RestError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface ConnectorStatus {
  readonly name: string;
  readonly type: string;
  readonly connector: { readonly state: string; readonly worker_id: string; readonly trace?: string };
  readonly tasks: readonly {
    readonly id: number;
    readonly state: string;
    readonly worker_id: string;
    readonly trace?: string;
  }[];
}

export function status(restUrl: string, connector: string): Promise<ConnectorStatus> {
  return call(restUrl, 'GET', `/connectors/${encodeURIComponent(connector)}/status`);
}

/** The trace of whatever part of the connector has failed. */
export function failureOf(connector: ConnectorStatus): string | null {
  const failed = [connector.connector, ...connector.tasks].find((part) => part.state === 'FAILED');
  return failed === undefined ? null : `${connector.name} has failed:\n${failed.trace ?? ''}`;
}
