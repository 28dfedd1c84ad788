/**
 * Conversations with the REST API. A step is `METHOD path` and optionally a JSON body behind it, or `until path text`:
 * ask the path until its answer contains the text. `$id` is new in every run. rest-answers.json holds what Java Connect
 * answered to each; `node test/parity/record-rest.ts URL` records it anew.
 */
export interface Conversation {
  readonly title: string;
  readonly steps: readonly string[];
}

const source = (more = '') => `{"connector.class":"FileStreamSource","file":"/none/$id","topic":"$id-t"${more}}`;
const sink = (more = '') => `{"connector.class":"FileStreamSink","topics":"$id-t"${more}}`;
const create = (config: string, more = '') => `POST /connectors {"name":"$id","config":${config}${more}}`;
const route =
  '"transforms":"r","transforms.r.type":"RegexRouter","transforms.r.regex":"a","transforms.r.replacement":"b"';
const json = '"key.converter":"JsonConverter"';
const stopped = ',"initial_state":"STOPPED"';
const untilStopped = 'until /connectors/$id/status "state":"STOPPED"';
const untilRunning = 'until /connectors/$id/status "tasks":[{"id":0,"state":"RUNNING"';
const alter = (partition: string, offset: string) =>
  `PATCH /connectors/$id/offsets {"offsets":[{"partition":${partition},"offset":${offset}}]}`;
const kafkaPartition = '{"kafka_topic":"$id-t","kafka_partition":0}';

export const conversations: readonly Conversation[] = [
  {
    title: 'numbers and booleans of a config become text as they are written',
    steps: [
      create(source(',"a":1.50,"b":12345678901234567890,"c":true,"d":1e3,"e":-0.0,"tasks.max":1'), stopped),
      'PATCH /connectors/$id/config {"a":2.00,"b":2.0E10,"z":false,"c":null}',
      'GET /connectors/$id/config',
    ],
  },
  {
    title: 'names',
    steps: [
      `POST /connectors {"name":"  $id é+ ","config":${source()},"initial_state":"stopped"}`,
      'GET /connectors/$id%20%C3%A9+/config',
      'GET /connectors/$id%20%C3%A9%2B/config',
      'DELETE /connectors/$id%20é+',
      'DELETE /connectors/$id%20%C3%A9+',
      `PUT /connectors/$id%3Bx%20/config ${source()}`,
      'GET /connectors/$id%3Bx%20/config',
      'DELETE /connectors/$id%3Bx%20',
      `POST /connectors {"name":"","config":${source()}}`,
      `PUT /connectors/%20/config ${source()}`,
      `POST /connectors {"name":1,"config":{}}`,
      `POST /connectors {"name":"$id","config":${source(',"name":" $id "')}}`,
      `PUT /connectors/$id/config ${source(',"name":""')}`,
      `PUT /connectors/$id/config ${source(',"name":null')}`,
    ],
  },
  {
    title: 'a config without a class, or with one that is none',
    steps: [
      create('{}'),
      create('{"connector.class":null}'),
      create('{"connector.class":""}'),
      create('{"connector.class":" FileStreamSource ","topic":"t"}'),
      create('{"connector.class":"JsonConverter"}'),
      'PUT /connectors/$id/config {}',
      'PUT /connectors/$id/config {"connector.class":"Nope"}',
      'GET /connectors/$id',
    ],
  },
  {
    title: 'what validation says on POST',
    steps: [
      create('{"connector.class":"FileStreamSource"}'),
      create(source(',"tasks.max":"0"')),
      create(source(',"tasks.max":"x"')),
      create(source(',"a":null')),
      create(source(',"errors.tolerance":"ALL"')),
      create(
        source(
          ',"transforms":"a,a","transforms.a.type":"RegexRouter","transforms.a.regex":"x","transforms.a.replacement":"y"',
        ),
      ),
      create(source(',"key.converter":"Nope"')),
      create(source(',"topic.creation.groups":"g"')),
      create(source(',"topic.creation.default.partitions":"0"')),
      create(sink(',"topics.regex":"a.*"')),
      create('{"connector.class":"FileStreamSink","topics.regex":"("}'),
      create(sink(',"errors.deadletterqueue.topic.name":"$id-t"')),
      create(source(',"exactly.once.support":"maybe"')),
      create(source(',"transaction.boundary":"connector"')),
      create(source(',"predicates":"p"')),
      'GET /connectors/$id/config',
    ],
  },
  {
    title: 'validation comes before the duplicate test',
    steps: [create(source(), stopped), create(source()), create('{"connector.class":"FileStreamSource"}')],
  },
  {
    title: 'bodies that are none',
    steps: [
      'POST /connectors null',
      'POST /connectors []',
      'POST /connectors {"name":"$id"}',
      'POST /connectors {"name":"$id","config":{"a":{}}}',
      'POST /connectors {"name":"$id","config":{},"initial_state":"foo"}',
      'POST /connectors {"name":"$id","config":{},"foo":1}',
      'PUT /connectors/$id/config []',
      'PATCH /connectors/$id/offsets []',
      'PUT /admin/loggers/$id null',
    ],
  },
  {
    title: 'expand knows two words',
    steps: [
      create(source(), stopped),
      untilStopped,
      'GET /connectors?expand=info',
      'GET /connectors?expand=INFO',
      'GET /connectors?expand=',
      'GET /connectors?expand=info&expand=foo',
    ],
  },
  {
    title: 'a patch may change the name in the config, the class, and nothing that makes it invalid',
    steps: [
      create(source(), stopped),
      'PATCH /connectors/$id/config {"name":"$id-other"}',
      'PATCH /connectors/$id/config {"name":null}',
      'PATCH /connectors/$id/config {"connector.class":null}',
      'PATCH /connectors/$id/config {"connector.class":"FileStreamSink","topics":"$id-t"}',
      'GET /connectors/$id',
      'GET /connectors/$id-other',
    ],
  },
  {
    title: 'created paused, stopped, resumed, paused again',
    steps: [
      create(source(), ',"initial_state":"PAUSED"'),
      'until /connectors/$id/status "state":"PAUSED"',
      'GET /connectors/$id/status',
      'GET /connectors/$id/tasks',
      'PUT /connectors/$id/stop',
      untilStopped,
      'GET /connectors/$id/status',
      'PUT /connectors/$id/pause null',
      'until /connectors/$id/status "state":"PAUSED"',
      'GET /connectors/$id/status',
      'PUT /connectors/$id/resume ""',
      untilRunning,
      'GET /connectors/$id/status',
      'GET /connectors/$id/tasks',
    ],
  },
  {
    title: 'restarts',
    steps: [
      create(sink(',"tasks.max":"2"')),
      'until /connectors/$id/status {"id":1,"state":"RUNNING"',
      'POST /connectors/$id/restart?includeTasks=True&onlyFailed=TRUE',
      'POST /connectors/$id/restart?includeTasks=foo',
      'POST /connectors/$id/tasks/0/restart null',
      'POST /connectors/$id/tasks/2/restart',
      'POST /connectors/$id/tasks/-1/restart',
      'POST /connectors/$id/tasks/x/restart',
      'POST /connectors/$id-none/tasks/0/restart',
      'POST /connectors/$id-none/restart?onlyFailed=true',
    ],
  },
  {
    title: 'task statuses of what is not there',
    steps: [
      create(source(), stopped),
      'GET /connectors/$id/tasks/0/status',
      'GET /connectors/$id/tasks/-1/status',
      'GET /connectors/$id/tasks/x/status',
      'GET /connectors/$id/tasks/99999999999/status',
      'GET /connectors/$id-none/tasks/007/status',
    ],
  },
  {
    title: 'source offsets by hand',
    steps: [
      create(source(), stopped),
      untilStopped,
      alter('{"filename":"/x"}', '{"position":9007199254740993}'),
      'GET /connectors/$id/offsets',
      alter('{"filename":"/x"}', 'null'),
      alter('{"filename":5}', '{"position":3}'),
      alter('{}', 'null'),
      alter('null', '{"position":1}'),
      alter('{"filename":"/x"}', '{"position":"4"}'),
      alter('{"filename":"/x"}', '{"position":null}'),
      alter('{"filename":"/x"}', '{"position":-1}'),
      alter('{"filename":"/x"}', '{}'),
      alter('{"file":"/x"}', '{"position":1}'),
      alter('{"filename":"/x"}', '{"position":1,"more":[1]}'),
      alter('{"filename":"/x"}', '{"position":99999999999999999999}'),
      'PATCH /connectors/$id/offsets {"offsets":[{"partition":{"filename":"/y"},"offset":{"position":1}},{"partition":{"filename":"/y"},"offset":{"position":2}}]}',
      'GET /connectors/$id/offsets',
      'DELETE /connectors/$id',
      create(source(), stopped),
      'GET /connectors/$id/offsets',
      untilStopped,
      'DELETE /connectors/$id/offsets',
      'GET /connectors/$id/offsets',
    ],
  },
  {
    title: 'sink offsets by hand that are none',
    steps: [
      create(sink(), stopped),
      untilStopped,
      alter('null', '{"kafka_offset":1}'),
      alter('{}', '{}'),
      alter('{"kafka_topic":"$id-t"}', '{"kafka_offset":1}'),
      alter('{"kafka_topic":null,"kafka_partition":0}', '{"kafka_offset":1}'),
      alter('{"kafka_topic":"$id-t","kafka_partition":null}', '{"kafka_offset":1}'),
      alter('{"kafka_topic":"$id-t","kafka_partition":1.5}', '{"kafka_offset":1}'),
      alter('{"kafka_topic":"$id-t","kafka_partition":true}', '{"kafka_offset":1}'),
      alter('{"kafka_topic":"$id-t","kafka_partition":3000000000}', '{"kafka_offset":1}'),
      alter(kafkaPartition, '{"kafka_offset":"x"}'),
      alter(kafkaPartition, '{"kafka_offset":null}'),
      alter(kafkaPartition, '{"kafka_offset":1.0}'),
      alter(kafkaPartition, '{"kafka_offset":99999999999999999999}'),
      alter(kafkaPartition, '{"kafka_offset":-1}'),
      alter('{"kafka_topic":"$id-t","kafka_partition":-1}', '{"kafka_offset":1}'),
      alter('{"kafka_topic":"no such topic","kafka_partition":0}', '{"kafka_offset":1}'),
      'PATCH /connectors/$id/offsets {"offsets":[]}',
      'GET /connectors/$id/offsets',
      'DELETE /connectors/$id/offsets',
    ],
  },
  {
    title: 'loggers',
    steps: [
      'GET /admin/loggers/$id.a',
      'PUT /admin/loggers/$id.a {"level":"debug"}',
      'PUT /admin/loggers/$id.ax {"level":" warn "}',
      'PUT /admin/loggers/$id.a {"level":"TRACE","more":"x"}',
      'PUT /admin/loggers/$id.a?scope=other {"level":"ERROR"}',
      'GET /admin/loggers/$id.ax',
      'GET /admin/loggers/$id',
      'PUT /admin/loggers/$id.a {"level":"LOUD"}',
      'PUT /admin/loggers/$id.a {"level":1}',
      'PUT /admin/loggers/$id.a {}',
      'PUT /admin/loggers/$id.a {"level":null}',
      'PUT /admin/loggers/$id.a?scope=cluster {"level":"ERROR"}',
      'DELETE /admin/loggers/$id.a',
    ],
  },
  {
    title: 'loggers that had their level from another one',
    steps: [
      'PUT /admin/loggers/$id {"level":"WARN"}',
      'PUT /admin/loggers/$id.x {"level":"WARN"}',
      'PUT /admin/loggers/$idx {"level":"WARN"}',
      'PUT /admin/loggers/$id.y. {"level":"ERROR"}',
      'PUT /admin/loggers/$id.y.b {"level":"ERROR"}',
      'PUT /admin/loggers/$id {"level":"WARN"}',
    ],
  },
  {
    title: 'places of connectors with odd names',
    steps: ['+u;v?w#x&y=z', '/q', '%41', ' é', '\\u00a0'].map(
      (name) => `POST /connectors {"name":"$id${name}","config":${source()},"initial_state":"STOPPED"}`,
    ),
  },
  {
    title: 'offsets of lists and maps, quoted as Java prints them',
    steps: [
      create(sink(), stopped),
      untilStopped,
      alter(kafkaPartition, '{"kafka_offset":[1,"a",{"b":null}]}'),
      alter('{"kafka_topic":"$id-t","kafka_partition":{"a":[1]}}', '{"kafka_offset":1}'),
    ],
  },
  {
    title: 'plugins and validation by their names',
    steps: [
      'PUT /connector-plugins/FileStreamSink/config/validate {"connector.class":"FileStreamSource"}',
      'PUT /connector-plugins/Nope/config/validate {"connector.class":"FileStreamSource"}',
      'PUT /connector-plugins/FileStreamSource/config/validate {}',
      'GET /connector-plugins/Nope/config',
      'GET /connector-plugins/Key/config',
      'GET /connector-plugins/Cast$Value/config',
      'GET /connector-plugins/org.apache.kafka.connect.transforms.Cast$Value/config',
      'GET /connector-plugins/InsertHeader/config',
      'GET /connector-plugins/SimpleHeaderConverter/config',
    ],
  },
  {
    title: 'paths and methods',
    steps: [
      'GET /connectors/$id/nope',
      'GET /connectors/$id/tasks/0',
      'GET /connectors/$id/fence',
      'PUT /connectors/$id/fence',
      'POST /connectors/$id/tasks []',
      'DELETE /connectors/$id/tasks',
      'PATCH /connectors/$id {}',
      'POST /connectors/$id/topics/reset',
      'GET /connectors/a%2Fb',
      'GET /connectors/a%25b',
      'GET /connectors/a%5Cb',
      'GET /connectors/%FF',
      'GET /connectors//',
      'GET /connectors/$id;a=b/status',
    ],
  },
  {
    title: 'what does not ask whether the connector is there',
    steps: [
      'GET /connectors/$id/topics',
      'PUT /connectors/$id/topics/reset',
      'PATCH /connectors/$id/offsets {"offsets":[]}',
      'PUT /connectors/$id/pause',
      'DELETE /connectors/$id?forward=true',
    ],
  },
  {
    title: 'versions of plugins, in the notation of Maven',
    steps: [
      ...['latest', '4.3', '[4.0,4.1],[4.3,)', '[4.3.0-SNAPSHOT,)'].flatMap((version) => [
        create(source(`,"connector.plugin.version":"${version}"`), stopped),
        'DELETE /connectors/$id',
      ]),
      create(source(',"connector.plugin.version":"[4.3"')),
      create(source(',"connector.plugin.version":"[4.3,4.2]"')),
      create(source(`,"connector.plugin.version":"latest",${route},"transforms.r.plugin.version":"[4.7.1,)"`)),
      create(source(`,${route},"transforms.r.plugin.version":"[4.3"`)),
      create(source(`,${json},"key.converter.plugin.version":"[4.7.2,)"`)),
      create(source(`,${json},"key.converter.plugin.version":"4.3,4.4"`), stopped),
      'DELETE /connectors/$id',
      create(source(',"key.converter.plugin.version":"[4.7.3,)"'), stopped),
      'GET /connector-plugins/FileStreamSource/config?version=4.7.4',
      'GET /connector-plugins/RegexRouter/config?version=%5B4.7.5,)',
      'GET /connector-plugins/JsonConverter/config?version=4.7.6',
      'GET /connector-plugins/JsonConverter/config?version=%5B4.3',
      'GET /connector-plugins/Nope/config?version=4.3',
      'GET /connector-plugins/Nope/config?version=%5B4.3',
    ],
  },
  {
    title: 'settings that are nobody to each other',
    steps: [
      create(source(`,${route},"transforms.r.negate":"false"`)),
      create(source(`,${route},"transforms.r.negate":"maybe"`)),
      create(source(`,${route},"transforms.r.negate":"true","transforms.r.predicate":""`), stopped),
      'DELETE /connectors/$id',
      create(source(',"transforms":"h","transforms.h.type":"org.apache.kafka.connect.transforms.HoistField"')),
      create(source(',"predicates":"h","predicates.h.type":"org.apache.kafka.connect.transforms.HoistField"')),
      create(source(',"tasks.max":null,"errors.tolerance":null,"errors.retry.timeout":null,"transforms":null')),
      create(source(',"zzz":null,"aaa":null,"name":null')),
      create(
        '{"connector.class":"FileStreamSink","topics.regex":"$id.*","errors.deadletterqueue.topic.name":" $id-dlq "}',
      ),
      create('{"connector.class":"FileStreamSink","topics":"a, b ,c","errors.deadletterqueue.topic.name":"b"}'),
      create(source(',"producer.override.acks":"bogus","consumer.override.isolation.level":"bogus"'), stopped),
    ],
  },
  {
    title: 'regular expressions that are none',
    steps: ['(', '(?<=a', '[z-a]', 'a{2,1}', '\\\\p{Foo}', '(?<n>a)(?<n>b)', '*a', '(?i'].map((pattern) =>
      create(`{"connector.class":"FileStreamSink","topics.regex":"${pattern}"}`),
    ),
  },
  {
    title: 'the plan of a restart keeps the trace',
    steps: [
      create(
        `{"connector.class":"FileStreamSource","file":"/etc/passwd","topic":"$id-t","transforms":"c","transforms.c.type":"org.apache.kafka.connect.transforms.Cast$Value","transforms.c.spec":"int8"}`,
      ),
      'until /connectors/$id/status "tasks":[{"id":0,"state":"FAILED"',
      'POST /connectors/$id/restart?includeTasks=true&onlyFailed=true',
      'until /connectors/$id/status "tasks":[{"id":0,"state":"FAILED"',
      'POST /connectors/$id/restart?onlyFailed=true',
      'until /connectors/$id/status "tasks":[{"id":0,"state":"FAILED"',
      'POST /connectors/$id/restart?includeTasks=true',
    ],
  },
  {
    title: 'levels of loggers below one another',
    steps: [
      'PUT /admin/loggers/$id.a {"level":"DEBUG"}',
      'PUT /admin/loggers/$id.a.b {"level":"DEBUG"}',
      'GET /admin/loggers/$id.a.b',
      'PUT /admin/loggers/$id.a.c {"level":"ERROR"}',
      'GET /admin/loggers/$id.a',
      'PUT /admin/loggers/$id.a {"level":"TRACE"}',
      'GET /admin/loggers/$id.a.b',
      'PUT /admin/loggers/$id.a.b {"level":"WARN"}',
      'PUT /admin/loggers/$id {"level":"OFF"}',
      'GET /admin/loggers/$id.a',
      'PUT /admin/loggers/$id.a.d {"level":"WARN"}',
      'GET /admin/loggers/$id.a.d',
    ],
  },
];
