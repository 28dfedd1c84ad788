import type { HmacScheme } from './hmac.ts';

/** A sender that many know: how it signs, and where its own id of a message is. */
export interface HmacPreset {
  readonly scheme: HmacScheme;
  readonly id: { readonly header: string } | { readonly pointer: string };
}

/** https://www.standardwebhooks.com: the secret is base64, often behind `whsec_`. */
const standardWebhooks: HmacPreset = {
  scheme: {
    algorithm: 'sha256',
    secretEncoding: 'base64',
    secretPrefix: 'whsec_',
    signed: '{header:webhook-id}.{timestamp}.{body}',
    signature: { header: 'webhook-signature', prefix: 'v1,', encoding: 'base64' },
    separator: ' ',
    timestamp: { header: 'webhook-timestamp', prefix: '' },
  },
  id: { header: 'webhook-id' },
};

/** Signs no time: a delivery that is seen again is known by its id alone. */
const github: HmacPreset = {
  scheme: {
    algorithm: 'sha256',
    secretEncoding: 'utf8',
    secretPrefix: '',
    signed: '{body}',
    signature: { header: 'X-Hub-Signature-256', prefix: 'sha256=', encoding: 'hex' },
    separator: null,
    timestamp: null,
  },
  id: { header: 'X-GitHub-Delivery' },
};

/** The secret is used as it is written, `whsec_` included. */
const stripe: HmacPreset = {
  scheme: {
    algorithm: 'sha256',
    secretEncoding: 'utf8',
    secretPrefix: '',
    signed: '{timestamp}.{body}',
    signature: { header: 'Stripe-Signature', prefix: 'v1=', encoding: 'hex' },
    separator: ',',
    timestamp: { header: 'Stripe-Signature', prefix: 't=' },
  },
  id: { pointer: '/id' },
};

const slack: HmacPreset = {
  scheme: {
    algorithm: 'sha256',
    secretEncoding: 'utf8',
    secretPrefix: '',
    signed: 'v0:{timestamp}:{body}',
    signature: { header: 'X-Slack-Signature', prefix: 'v0=', encoding: 'hex' },
    separator: null,
    timestamp: { header: 'X-Slack-Request-Timestamp', prefix: '' },
  },
  id: { pointer: '/event_id' },
};

export const hmacPresets: Readonly<Record<string, HmacPreset>> = {
  'standard-webhooks': standardWebhooks,
  github,
  stripe,
  slack,
};
