import type { Settings } from '../../src/api/index.ts';

/** For the page of this system; the tests run it. */
export const example = {
  title: 'Webhooks',
  intro: `HTTP requests, answered when Kafka has acknowledged their records. With the first of the configs below as connector \`orders\`, one
\`curl\` writes to Kafka; \`npm start\` prints \`hooksUrl\` into \`.local/stack.json\`:

\`\`\`sh
curl -i http://127.0.0.1:8083/hooks/orders -H 'Content-Type: application/json' -d '{"id":"o-1","amount":12.5}'
\`\`\`

\`\`\`
HTTP/1.1 200 OK
content-type: application/json

{"records":1}
\`\`\`

An installation opens the door once, with an HTTP API of its own. The management API stays closed.

\`\`\`ts
import { type Drover, webhooks } from 'drover/cdk';

function hooks(drover: Drover): string {
  const { url } = webhooks(drover, {
    throttle: { rate: 500, burst: 1000 }, // requests a second, and at once; others are answered 429
    buffer: true, // for connectors with http.response.mode=buffered
    ownBuffers: ['orders'], // and for this one a queue of its own
  });
  return url; // POST <url>/<connector>
}
\`\`\`

From then on hooks come and go over REST: a connector is reached under its name. There is no CORS: browsers of other sites are not
meant.

## Delivery

| mode | answered | when Kafka is away | order |
| --- | --- | --- | --- |
| \`sync\` | 200 after the acknowledgement of all records of the request | 503 within ten seconds, \`Retry-After\` | of who waits for each answer |
| \`buffered\` | 202 when the request is in a queue of SQS | 202: it waits, up to 14 days | none |

At least once: a sender that does not get the answer sends again, and so does who replays a signed request inside the window. Its
own id of the message tells them apart: take it for the key of the record (\`http.record.key.header\`, \`http.record.key.pointer\`), or
find it in the record header \`webhook.id\` (\`http.record.id.header\`, \`http.record.id.pointer\`; the presets know where theirs is). The
records of one request are sent together or refused together, except for what the broker itself refuses.

A hook that is paused, stopped or FAILED answers 503. What was answered 202 before waits, for as long as that takes: connectors share a
queue, in which what is for such a one goes behind the others again and again, after 5 seconds first, then twice as long each time up
to 15 minutes, so that it may come so long after the hook is resumed. Of \`ownBuffers\`, \`['orders']\` say, each named connector has a queue
of its own, which is held meanwhile: it costs nothing while it waits, for 14 days at most, and comes as soon as the hook is resumed. What
was on its way when the hook was paused comes within ten seconds, where the functions have a way to SQS.

Who sends is asked, and what can be read is read, before a request goes into the buffer. What cannot be delivered out of it, for
1000 tries or about two days, is in the queue \`BufferFailures\` of \`webhooks\`. Functions in a VPC need a way to SQS for it, and to the
issuer of tokens for \`http.auth.jwt.jwks.url\`.

## Answers

Every answer is JSON; errors are \`{"error_code":…,"message":…}\`, and the message names the fix.

| status | when |
| --- | --- |
| 200, 202 | \`{"records":n}\`; with \`errors.tolerance=all\` also how many went to the dead letters, in \`unreadable\` |
| 400 | no JSON, no text in its charset, not what its \`Content-Encoding\` says, or damaged on the way (below) |
| 401 | no, or a wrong, key, signature, signed time or token; which of several secrets was meant is not said |
| 403 | a token without a scope that is needed |
| 404 | there is no such connector |
| 405 | a method that is not in \`http.methods\`; \`Allow\` says which are |
| 413 | more bytes or records than the limits below |
| 415 | a content type, encoding or charset that is not taken |
| 422 | a key that is missing, or a record that a transformation, a converter or the broker refuses |
| 429 | more requests than \`throttle\` lets through |
| 503 | the connector is paused, stopped or FAILED, or Kafka does not answer: \`Retry-After\` says when to try again |

API Gateway hands a body on as text if its content type is \`text/*\`, JSON, XML or JavaScript, and damages what is no UTF-8. Compressed
bodies, and others that are no text, therefore come with another content type, such as \`application/octet-stream\` or
\`application/x-ndjson\`, which \`http.content.types\` allows.

| limit | default | most |
| --- | --- | --- |
| body as sent, \`sync\` | 1 MiB | 4 MiB |
| body as sent, \`buffered\` | 256 KiB | 256 KiB |
| body with gzip, deflate or br undone | 8 MiB | 64 MiB |
| records of a request | 10,000 | 100,000 |

## Who may send

| \`http.auth.type\` | what is checked |
| --- | --- |
| \`none\` | nothing: for trying out, and for networks of your own |
| \`apikey\` | a header against several keys, in constant time |
| \`hmac\` | a signature over the exact bytes that were sent, with any of several secrets, and where the scheme signs a time, that it is within \`http.auth.hmac.tolerance.seconds\` of now |
| \`jwt\` | signature, \`iss\`, \`aud\`, \`exp\`, \`nbf\` and algorithm of a token; the issuer's keys are fetched once in ten minutes |

| preset | signed | signature | time | id |
| --- | --- | --- | --- | --- |
| \`standard-webhooks\` | \`{header:webhook-id}.{timestamp}.{body}\` | \`webhook-signature: v1,<base64>\` | \`webhook-timestamp\` | \`webhook-id\` |
| \`github\` | \`{body}\` | \`X-Hub-Signature-256: sha256=<hex>\` | none | \`X-GitHub-Delivery\` |
| \`stripe\` | \`{timestamp}.{body}\` | \`Stripe-Signature: v1=<hex>\` | \`t=\` of it | \`/id\` |
| \`slack\` | \`v0:{timestamp}:{body}\` | \`X-Slack-Signature: v0=<hex>\` | \`X-Slack-Request-Timestamp\` | \`/event_id\` |

Slack's question whether the hook is there (\`url_verification\`) is answered. Other senders are described by \`custom\`: see the settings.
To change a secret, add the new one, let the sender change, then take the old one away.`,
  configs: [
    {
      name: 'orders',
      'connector.class': 'WebhookSource',
      'kafka.topic': 'orders',
      'http.auth.type': 'none',
      'http.record.key.pointer': '/id',
      'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
      'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
      'value.converter.schemas.enable': 'false',
    },
    {
      name: 'pushes',
      'connector.class': 'WebhookSource',
      'kafka.topic': 'pushes',
      'http.auth.type': 'hmac',
      'http.auth.hmac.preset': 'github',
      'http.auth.hmac.secrets': '${secretsmanager:webhooks:github}',
      'http.record.value': 'string',
      'http.record.headers': 'X-GitHub-Event',
      'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
    },
    {
      name: 'readings',
      'connector.class': 'WebhookSource',
      'kafka.topic': 'readings',
      'http.auth.type': 'jwt',
      'http.auth.jwt.jwks.url': 'https://issuer.example/.well-known/jwks.json',
      'http.auth.jwt.issuer': 'https://issuer.example/',
      'http.auth.jwt.audience': 'readings',
      'http.response.mode': 'buffered',
      'http.record.split': 'lines',
      'http.record.key.pointer': '/device',
      'http.record.key.required': 'true',
      'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
      'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
      'value.converter.schemas.enable': 'false',
    },
  ],
} as const satisfies { title: string; intro: string; configs: readonly Settings[] };
