import { ConnectError } from '../errors.ts';

/** A config that is refused, in Java's words: with all that is wrong. */
export const invalidConfig = (errors: readonly string[]) =>
  new ConnectError(
    'config.invalid',
    `Connector configuration is invalid and contains the following ${errors.length} error(s):\n` +
      `${errors.join('\n')}\nYou can also find the above list of errors at the endpoint ` +
      '`/connector-plugins/{connectorType}/config/validate`',
  );
