import type { Settings } from '../../src/api/index.ts';

/** For the page of this system; the tests run it. Its folder is one that the installation allows. */
export const example = {
  title: 'Files',
  intro: `Text files, line by line, as Apache Kafka's own file connectors: the offset is the byte position behind the line, a file
that is not there yet is waited for, and a last line without its line end waits until that arrives. The disk of a function
is its own and goes with it: a file that is to outlive a run belongs on a mounted file system.

\`\`\`ts
import type { IAccessPoint } from 'aws-cdk-lib/aws-efs';
import { type Drover, fileSink, fileSource } from 'drover/cdk';

function files(drover: Drover, accessPoint: IAccessPoint): void {
  fileSource(drover, { accessPoint, mountPath: '/mnt/data' }); // may read
  fileSink(drover, { accessPoint, mountPath: '/mnt/data' }); // may write as well
}
\`\`\`

Lambda mounts one EFS file system in a function, and for that the function is in its VPC. Connectors reach what is mounted so, the
folders that the installation lists in \`fileFolders\`, and no others.`,
  folder: '/mnt/data',
  source: {
    name: 'lines-in',
    'connector.class': 'FileStreamSource',
    file: '/mnt/data/in.txt',
    topic: 'lines',
    'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
  },
  sink: {
    name: 'lines-out',
    'connector.class': 'FileStreamSink',
    file: '/mnt/data/out.txt',
    topics: 'lines',
    'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
  },
} as const satisfies { title: string; intro: string; folder: string; source: Settings; sink: Settings };
