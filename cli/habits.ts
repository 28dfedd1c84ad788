/** What is said to somebody who types what kubectl, kcctl and other clients call it. */
type Hints = Readonly<Record<string, string>>;

/** The same hint for several words. */
function same(words: string, hint: string): Hints {
  return Object.fromEntries(words.split(' ').map((word) => [word, hint]));
}

const installation = '--stack NAME, --url URL, or DROVER_STACK and DROVER_URL say which installation';
const noServers = 'there are no servers and no workers: runs come and go on Lambda. drover runs, drover logs -f';
const noLabels = 'connectors have no labels: name those that are meant';
const noNamespaces = 'there are no namespaces: --stack NAME or --url URL says which installation';
const watching = 'drover console shows what changes, drover logs -f and drover runs -f what happens';
const deploying = 'an installation is made, changed and removed by CDK: see README';

const commands: Hints = {
  ...same('annotate label', noLabels),
  ...same('api-resources api-versions', 'drover help get lists the kinds'),
  ...same('attach certificate cordon cp debug drain exec expose taint uncordon', noServers),
  ...same('auth login logout', 'requests are signed with your AWS credentials: --profile NAME, --region REGION'),
  autoscale: 'nothing is to be scaled: runs are as many as there is work, up to tasks.max',
  backup: 'drover export --dir FOLDER --offsets',
  ...same('check diagnose health ping verify', 'drover doctor'),
  ...same('clone copy rename', 'drover get connector NAME -o yaml > FILE; change its name; drover apply -f FILE'),
  ...same('cluster cluster-info server', 'drover info; drover doctor checks it'),
  config: `there is nothing to set up: ${installation}. A connector’s: drover get connector NAME -o yaml`,
  ...same('connector connectors ls list ps', 'drover get connectors'),
  ...same('context contexts get-contexts set-context use-context', installation),
  ...same('cost history', 'drover runs NAME; of offsets: drover offsets history NAME'),
  create: 'drover apply -f FILE creates what is not there; drover console has a form',
  ...same('dashboard gui open ui web', 'drover console --open'),
  ...same('del destroy rm', 'drover delete NAME'),
  ...same('deploy down init install uninstall up upgrade', deploying),
  edit: 'drover patch NAME --set key=value; or drover get connector NAME -o yaml > FILE, and drover apply -f FILE',
  ...same('event events tail', 'drover logs NAME -f'),
  explain: 'drover describe plugin CLASS',
  ...same('feed feeds', 'drover get feeds'),
  kustomize: 'kubectl kustomize FOLDER | drover apply -f -',
  ...same('lag metrics top', 'drover describe NAME; drover console shows all; drover runs tells what each run moved'),
  lint: 'drover validate -f FILE',
  ...same('logger loggers logging set-level', 'drover get loggers; drover patch logger NAME --level DEBUG'),
  migrate: 'drover import --from-url URL, --from-topics, or -f FILE',
  options: 'drover --help',
  ...same('plugin plugins', 'drover get plugins; drover describe plugin CLASS'),
  'port-forward': 'drover proxy',
  remove: 'drover delete NAME; of a setting: drover patch NAME --remove KEY',
  replace: 'drover apply -f FILE',
  replay: 'drover dead-letters replay NAME',
  reset: 'drover offsets reset NAME; of a logger: drover patch logger NAME --level reset',
  rollout:
    'drover restart NAME --include-tasks; drover get shows how far it is; drover offsets undo takes offsets back',
  run: 'drover apply -f FILE; drover dev runs a plugin on this machine; drover runs tells what ran',
  scale: 'drover patch NAME --set tasks.max=N',
  set: 'drover patch NAME --set key=value; of offsets: drover offsets set',
  show: 'drover describe NAME',
  ...same('start unpause', 'drover resume NAME'),
  status: 'drover get, or drover describe NAME',
  ...same('task tasks', 'drover get tasks NAME'),
  test: 'drover validate -f FILE; drover dev runs a plugin on this machine',
  ...same('topic topics', 'drover get topics NAME'),
  undo: 'drover offsets undo NAME',
  update: 'drover apply -f FILE, or drover patch NAME --set key=value',
  version: 'drover --version; of the installation: drover info',
  wait: '--wait of apply, resume, pause, stop and restart',
  watch: watching,
};

const options: Hints = {
  ...same('-A --all-namespaces', 'all are listed anyway'),
  '--all': 'name those that are meant: $(drover get connectors -o name) are all',
  ...same('--bootstrap-server --cluster --context --host --kubeconfig --server', installation),
  ...same('-c --container', noServers),
  ...same('--cascade --force --grace-period --now', 'it is done at once; tasks let go when they have committed'),
  ...same('--dry-run=client --dry-run=server', '--dry-run takes no value'),
  '--field-manager': 'a file says all of a connector’s settings',
  '--format': '-o json, -o yaml, -o wide or -o name',
  ...same('-f --filename', 'files are for apply, diff, validate, delete and import: name the connectors'),
  ...same('-k --kustomize', 'kubectl kustomize FOLDER | drover apply -f -'),
  ...same('-l --selector --show-labels', noLabels),
  '--limit': '--tail N, or --since TIME',
  ...same('-n --namespace', noNamespaces),
  '--no-headers': '-o name prints the names alone, -o json all of it',
  ...same('-p --patch --type', '--set key=value, --remove key'),
  ...same('--previous', '--since TIME looks further back'),
  '--replicas': 'tasks.max is a setting: drover patch NAME --set tasks.max=N',
  ...same('-s', installation),
  '--server-side': 'a file says all of a connector’s settings: leave it out',
  '--sort-by': 'they are sorted by name: -o json, for jq or another program',
  ...same('--tasks --with-tasks', '--include-tasks'),
  '--timestamps': 'every line has its time',
  '-v': 'drover --version; drover proxy --verbose; DROVER_DEBUG=1 shows where a program failed',
  '--wait': 'it is gone when the command ends; --wait is of apply, resume, pause, stop and restart',
  ...same('-w --watch', watching),
  ...same('-y --yes', 'nothing is asked: leave it out'),
};

/** Words behind get and describe. */
const kinds: Hints = {
  all: 'drover get lists the connectors; drover help get the other kinds',
  ...same('cluster clusters installation installations server servers stack stacks', 'drover info; drover doctor'),
  ...same('config configs', 'drover get connector NAME -o yaml'),
  ...same('context contexts', installation),
  ...same('dead-letter dead-letters dlq', 'drover dead-letters NAME'),
  ...same('event events log logs', 'drover logs NAME'),
  ...same('history', 'drover offsets history NAME'),
  ...same('lag status', 'drover describe NAME'),
  ...same('node nodes po pod pods worker workers', noServers),
  ...same('run runs', 'drover runs NAME'),
};

const hintOf = (hints: Hints, word: string): string | null => (Object.hasOwn(hints, word) ? hints[word]! : null);

/** A line of commander's about a command, an option or a value that it does not know, with what says it here. */
export function withHint(text: string): string {
  const [, what, word = ''] = /unknown (command|option) '([^']+)'/.exec(text) ?? [];
  const [name = ''] = word.split('=');
  const known = what === 'command' ? commands : options;
  const hint = hintOf(known, word) ?? hintOf(known, name) ?? (template.test(text) ? '-o json, for jq' : null);
  return hint === null ? text : `${text.split('\n')[0]!.replace(/\.$/, '')}: ${hint}\n`;
}

const template = /argument '(?:jsonpath|custom-columns|go-template)/;

/** For a word where a kind or a name of a connector was to be. */
export const kindHint = (word: string): string | null =>
  hintOf(kinds, word.toLowerCase()) ?? (/\.(json|ya?ml)$/i.test(word) ? `a file is named by -f ${word}` : null);
