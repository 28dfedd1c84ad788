import type { HttpAnswer, HttpRequest } from '../../cli/http.ts';
import type { Installation } from '../../cli/installation.ts';

/** An installation whose API answers what the test says: for what no real one could have, such as a thousand connectors. */
export function fakeInstallation(
  answer: (request: HttpRequest) => unknown,
): Installation & { readonly asked: HttpRequest[] } {
  const asked: HttpRequest[] = [];
  return {
    asked,
    restUrl: 'https://a1b2c3.execute-api.eu-west-1.amazonaws.com/prod',
    auth: 'iam',
    aws: { region: 'eu-west-1' },
    bootstrapServers: null,
    resources: () => Promise.reject(new Error('no stack')),
    send: async (request): Promise<HttpAnswer> => {
      asked.push(request);
      const said = answer(request);
      const status = said === undefined ? 404 : 200;
      const body = said === undefined ? { error_code: 404, message: 'not found' } : said;
      return { status, headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(body)) };
    },
  };
}
