export interface BootstrapServer {
  readonly host: string;
  readonly port: number;
}

/**
 * The servers of `host:port,host:port`, as clients connect to them: a protocol before the host is dropped, an IPv6 host
 * stands in brackets. Gives the first entry that is none of this instead, as a text. Java: ClientUtils, Utils.getHost.
 */
export function parseBootstrapServers(list: string): readonly BootstrapServer[] | string {
  const servers: BootstrapServer[] = [];
  for (const entry of list.split(',').map((text) => text.trim())) {
    if (entry === '') continue;
    const match = /^(?:\w+:\/\/)?(?:\[([\da-fA-F:.%]+)\]|([\w.%-]+)):(\d{1,5})$/.exec(entry);
    const host = match?.[1] ?? match?.[2];
    const port = Number(match?.[3]);
    if (host === undefined || port < 1 || port > 65_535) return entry;
    servers.push({ host, port });
  }
  return servers;
}
