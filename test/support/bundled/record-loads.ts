/** Given to Node by `--import`: a function's environment notes each file of its bundle that it loads. */
import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

const { DROVER_TEST_LOADS: file, AWS_LAMBDA_FUNCTION_NAME: name } = process.env;

if (file !== undefined && name !== undefined) {
  registerHooks({
    load(url, context, next) {
      const loaded = /\/dist\/([^/]+\.mjs)$/.exec(url)?.[1];
      if (loaded !== undefined) appendFileSync(file, `${name} ${loaded}\n`);
      return next(url, context);
    },
  });
}
