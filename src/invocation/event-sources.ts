import type { LambdaClient } from '@aws-sdk/client-lambda';

/** Event source mappings: what brings events, and can be told to keep them. */
export interface EventSources {
  /** Null: on its way to something, and not to be told anything now. */
  isOpen(mapping: string): Promise<boolean | null>;
  setOpen(mapping: string, open: boolean): Promise<void>;
}

/** Lambda's own. The client is made by the first call: most installations have no feed. */
export class LambdaEventSources implements EventSources {
  #client: Promise<LambdaClient> | null = null;

  async isOpen(mapping: string): Promise<boolean | null> {
    const [client, { GetEventSourceMappingCommand }] = await this.#connected();
    const { State } = await client.send(new GetEventSourceMappingCommand({ UUID: mapping }));
    if (State === 'Enabled') return true;
    return State === 'Disabled' ? false : null;
  }

  async setOpen(mapping: string, open: boolean): Promise<void> {
    const [client, { UpdateEventSourceMappingCommand }] = await this.#connected();
    await client.send(new UpdateEventSourceMappingCommand({ UUID: mapping, Enabled: open }));
  }

  #connected() {
    this.#client ??= import('./lambda-sdk.ts').then(({ LambdaClient }) => new LambdaClient({ maxAttempts: 3 }));
    return Promise.all([this.#client, import('./lambda-sdk.ts')]);
  }
}
