/** What is said to somebody who types what other tools call it, or misspells it. */

/** Words of kubectl, kcctl and other clients, and options of theirs, with what says the same here. */
const elsewhere: Readonly<Record<string, string>> = {
  'api-resources': 'drover help get lists the kinds',
  'cluster-info': 'drover info',
  config:
    'there is nothing to set up: --stack NAME, --url URL, or DROVER_STACK and DROVER_URL. A connector’s: drover get connector NAME -o yaml',
  context: '--stack NAME, --url URL, or DROVER_STACK and DROVER_URL say which installation',
  'use-context': '--stack NAME, --url URL, or DROVER_STACK and DROVER_URL say which installation',
  create: 'drover apply -f FILE creates what is not there; drover console has a form',
  edit: 'drover patch NAME --set key=value; or drover get connector NAME -o yaml > FILE, and drover apply -f FILE',
  explain: 'drover describe plugin CLASS',
  list: 'drover get',
  login: 'requests are signed with your AWS credentials: --profile NAME, --region REGION',
  ls: 'drover get',
  remove: 'drover delete NAME; of a setting: drover patch NAME --remove KEY',
  replace: 'drover apply -f FILE',
  rm: 'drover delete NAME',
  rollout: 'drover restart NAME --include-tasks',
  scale: 'drover patch NAME --set tasks.max=N',
  set: 'drover patch NAME --set key=value; of offsets: drover offsets set',
  show: 'drover describe NAME',
  start: 'drover resume NAME',
  status: 'drover get, or drover describe NAME',
  top: 'drover console, or drover runs',
  update: 'drover apply -f FILE, or drover patch NAME --set key=value',
  version: 'drover --version; of the installation: drover info',
  wait: '--wait of apply, resume, pause, stop and restart',
  watch: 'drover console, or drover logs -f',
  '--dry-run=client': '--dry-run takes no value',
  '--dry-run=server': '--dry-run takes no value',
  '--replicas': 'tasks.max is a setting: drover patch NAME --set tasks.max=N',
  '--tail': '--since says how far back',
  '--tasks': '--include-tasks',
  '--watch': 'drover console, or drover logs -f',
  '-w': 'drover console, or drover logs -f',
  '-n': 'there are no namespaces: --stack NAME or --url URL says which installation',
  '--namespace': 'there are no namespaces: --stack NAME or --url URL says which installation',
  '-A': 'all are listed anyway',
  '-p': '--set key=value, --remove key',
};

/** A line of commander's about an unknown word, with what says it here. */
export function withHint(text: string): string {
  const [, word = ''] = /unknown (?:command|option) '([^']+)'/.exec(text) ?? [];
  const [name = ''] = word.split('=');
  const hint = elsewhere[word] ?? elsewhere[name];
  return hint === undefined ? text : `${text.split('\n')[0]}: ${hint}\n`;
}
