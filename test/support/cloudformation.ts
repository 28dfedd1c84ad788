import { until } from './until.ts';

export interface StackEnd {
  /** `CREATE_COMPLETE`, `UPDATE_ROLLBACK_COMPLETE`, …; null: there is no such stack any more. */
  readonly status: string | null;
  /** Why resources failed, in the order in which they did. */
  readonly reasons: readonly string[];
}

/** Stacks without files, put into the emulator without the CDK's program, which takes seconds to start. */
export class Cloudformation {
  readonly #endpoint: string;
  readonly #region: string;

  constructor(aws: { readonly endpoint: string; readonly region: string }) {
    this.#endpoint = aws.endpoint;
    this.#region = aws.region;
  }

  /** Creates or updates it, and waits for the end. */
  async deploy(stack: string, template: string): Promise<StackEnd> {
    const isThere = (await this.#status(stack)) !== null;
    const seen = new Set(isThere ? (await this.#events(stack)).map(({ id }) => id) : []);
    await this.#call(isThere ? 'UpdateStack' : 'CreateStack', {
      StackName: stack,
      TemplateBody: template,
      'Capabilities.member.1': 'CAPABILITY_IAM',
    });
    return this.#end(stack, seen);
  }

  async remove(stack: string): Promise<StackEnd> {
    const seen = new Set((await this.#events(stack)).map(({ id }) => id));
    await this.#call('DeleteStack', { StackName: stack });
    return this.#end(stack, seen);
  }

  async #end(stack: string, seen: ReadonlySet<string>): Promise<StackEnd> {
    const status = await until(
      `${stack} has come to an end`,
      async () => {
        const now = await this.#status(stack);
        return now === null || !now.endsWith('_IN_PROGRESS') ? { now } : undefined;
      },
      { withinMs: 120_000, everyMs: 200 },
    );
    const events = status.now === null ? [] : await this.#events(stack);
    const failed = events.filter(({ id, state }) => !seen.has(id) && state.endsWith('_FAILED'));
    return { status: status.now, reasons: failed.map(({ reason }) => reason) };
  }

  async #status(stack: string): Promise<string | null> {
    const text = await this.#call('DescribeStacks', { StackName: stack }).catch((error: Error) => {
      if (error.message.includes('does not exist')) return '';
      throw error;
    });
    const status = element(text, 'StackStatus');
    return status === undefined || status === 'DELETE_COMPLETE' ? null : status;
  }

  async #events(stack: string): Promise<{ id: string; state: string; reason: string }[]> {
    const text = await this.#call('DescribeStackEvents', { StackName: stack });
    return [...text.matchAll(/<member>(.*?)<\/member>/gs)].map(([, event = '']) => ({
      id: element(event, 'EventId') ?? '',
      state: element(event, 'ResourceStatus') ?? '',
      reason: element(event, 'ResourceStatusReason') ?? '',
    }));
  }

  async #call(action: string, parameters: Readonly<Record<string, string>>): Promise<string> {
    const answer = await fetch(this.#endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/${this.#region}/cloudformation/aws4_request`,
      },
      body: new URLSearchParams({ Action: action, Version: '2010-05-15', ...parameters }),
      signal: AbortSignal.timeout(120_000),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${action} answered ${answer.status}: ${text}`);
    return text;
  }
}

const escapes: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', '#x27': "'", '#39': "'" };

function element(xml: string, tag: string): string | undefined {
  const content = new RegExp(`<${tag}>(.*?)</${tag}>`, 's').exec(xml)?.[1];
  return content?.replace(/&([#\w]+);/g, (whole, name: string) => escapes[name] ?? whole);
}
