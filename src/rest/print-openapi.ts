import { readFileSync, writeFileSync } from 'node:fs';
import { openApi } from './openapi.ts';

/** `node src/rest/print-openapi.ts`: writes openapi.json anew; a test says when that is due. */
const file = new URL('./openapi.json', import.meta.url);
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
writeFileSync(file, `${JSON.stringify(openApi(version), null, 2)}\n`);
