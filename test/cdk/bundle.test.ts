import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { bundleFunction, bundleSize, functionNames } from '../../cdk/bundle.ts';

const folder = mkdtempSync(join(tmpdir(), 'drover-bundles-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(functionNames)('the bundle of %s', (name) => {
  const outdir = join(folder, name);
  bundleFunction({ name, outdir });
  const files = readdirSync(join(outdir, 'dist'), { recursive: true, encoding: 'utf8' });
  const code = files.filter((file) => file.endsWith('.mjs'));
  const holds = (text: string) =>
    code.some((file) => readFileSync(join(outdir, 'dist', file), 'latin1').includes(text));

  it('is smaller than 3.5 MB, without the source maps that lie beside each of its files', () => {
    expect(bundleSize(outdir)).toBeLessThan(3_500_000);
    expect(files.filter((file) => file.endsWith('.mjs.map')).sort()).toEqual(code.map((file) => `${file}.map`).sort());
  });

  it('has the code of converters only where they are used or described', () => {
    const checksConfigs = name === 'rest' || name === 'connectors';
    expect(holds('io.confluent.connect.protobuf.ProtobufConverter')).toBe(
      name === 'task' || name === 'feed' || checksConfigs,
    );
  });

  it('has the Kafka client only in the VPC, without the validation of options that Drover never gives it', () => {
    const inVpc = name === 'task' || name === 'feed' || name === 'mirror';
    expect(files.some((file) => file.endsWith('/native.wasm'))).toBe(inVpc);
    expect(holds('are not validated in this bundle')).toBe(inVpc);
  });
});
