import type { Command } from 'commander';

const introduction = `# The command line

\`drover\` comes with the package (\`npx drover\`, or \`npm install --global drover\`). Whoever knows kcctl or kubectl guesses it: a verb, a kind,
names. The kind may be left out where it is connectors, be short or plural (\`connector\`, \`connectors\`, \`cn\`), and stand before a slash
(\`connector/orders\`). A connector and a number are one of its tasks: \`orders/0\`.

\`\`\`sh
drover get connectors                       # of the local stack, in its folder
drover --stack Connect get connectors       # of a stack in AWS, signed with your credentials
drover apply -f connectors/ --dry-run       # what would be different, and what validation says
drover apply -f connectors/ --prune --wait
drover describe connector orders
drover logs orders -f
drover runs orders --since 2h
drover restart orders --include-tasks --only-failed
drover offsets set orders orders:0=42 --stop
drover dead-letters replay orders --wait
drover proxy --stack Connect                # then kcctl, Terraform, a UI, or: curl http://127.0.0.1:8083/connectors
drover doctor
\`\`\`

## Which installation

The first of these that is there: \`--url\`, \`--stack\`, the variables \`DROVER_URL\` and \`DROVER_STACK\`, \`.local/stack.json\` of this folder or of one
above it. Requests to an address of API Gateway are signed with the AWS credentials that the AWS CLI would use (\`--profile\`, \`--region\`). For a name
of your own say \`--auth iam\`; \`--auth token\` sends what \`DROVER_TOKEN\` holds. \`logs\`, \`runs\` and \`doctor\` ask AWS as well, about the stack that the
address belongs to.

## Files

\`apply\`, \`diff\`, \`validate\`, \`delete\` and \`import\` read JSON and YAML, files, folders and the standard input (\`-f -\`), in any of these forms:

| form | is |
| --- | --- |
| \`{"name": …, "config": {…}}\` | what \`POST /connectors\` takes, \`initial_state\` too |
| a config with its \`name\` | what \`GET /connectors/NAME/config\` answers |
| a list of connectors | what \`drover get connectors -o json\` prints |
| \`kind: KafkaConnector\` | Strimzi's: \`spec.state\` is brought about, \`autoRestart\` becomes \`drover.restart.*\`; resources of other kinds are passed over |
| \`connectorName\`, \`connectorConfiguration\` | what \`aws kafkaconnect describe-connector\` prints |

Values keep the text that they have in the file. A field that is wrong is told with its file, line and name, before anything is changed.

## Answers

Tables are for people; \`-o json\` (or \`--json\`), \`-o yaml\` and \`-o name\` are for programs. Errors and notes go to stderr. Colours are for terminals, and
\`NO_COLOR\` takes them away.

| ends with | when |
| --- | --- |
| 0 | it is done |
| 1 | something was refused; a check has found something; \`diff\` has found a difference |
| 2 | the command line or a file is wrong; nothing was done |
| 3 | there is no such connector, plugin or stack |
| 4 | nobody answers, or lets us in |
| 130 | Ctrl-C, while it was waiting |

A command over several connectors tries each of them, and says which were refused: it ends with 3 if all of these were missing, else with 1. Where nobody
answers any more (4), those behind are not tried.

\`drover completion bash\` (zsh, fish) prints a script that completes commands, options and the names of connectors.

## Moving in and out

\`drover import --from-url http://worker:8083 --dry-run\` says of each connector of a Java worker what works, which settings are ignored, and what there
is no plugin for. Without \`--dry-run\` they are made, stopped, with the offsets of sources; sinks go on from their group in Kafka. \`--stop-there\`
stops each at the worker first, and \`--start as-was\` resumes it here. It may be repeated. Files of Strimzi and MSK Connect: \`drover import -f\`.
A cluster whose workers are down is taken over by its topics: \`drover import --from-topics\`, with \`--bootstrap-servers\` from any brokers
([what to mind](operations.md#move-a-connector-in-or-out)). It looks whether workers are down, and refuses while they are not.

\`drover export --wait\` stops the connectors and waits until the mirror topics hold everything, so that Java workers can start; \`drover export --dir\`
writes files for Java workers (\`--offsets\` with their offsets) or for Strimzi (\`--as strimzi\`).

## Commands

What \`drover help COMMAND\` prints, without the options of the program, which every command takes.
`;

/** docs/cli.md: the help of every command. */
export function helpPage(program: Command): string {
  return `${introduction}
${block(program)}
${leaves(program)
  .map((command) => `### ${pathOf(command)}\n\n${block(command)}`)
  .join('\n')}`;
}

/** Its own words, without what is added to each. */
function block(command: Command): string {
  return `\`\`\`text\n${command.helpInformation().trimEnd()}\n\`\`\`\n`;
}

function leaves(command: Command): Command[] {
  return command.commands
    .filter((one) => one.name() !== '__complete')
    .flatMap((one) => (one.commands.length > 0 ? [one, ...leaves(one)] : [one]));
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}
