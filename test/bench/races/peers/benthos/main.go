// A peer in Go: lines of a file to a topic, and a topic to lines of a file, as pipelines of Benthos (the engine of Redpanda
// Connect and Bento) with franz-go, the client that both of them use.
//
// Commands on stdin, each answered by `done`:
//
//	source BROKERS FILE TOPIC RECORDS
//	sink BROKERS TOPIC FILE RECORDS
//
// With the argument `at-best` lines go into and out of files many at a time, where its own inputs and outputs take one by one.
package main

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"os"

	_ "github.com/redpanda-data/benthos/v4/public/components/io"
	_ "github.com/redpanda-data/benthos/v4/public/components/pure"
	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Records in a batch on its way through the engine.
var batchOf = 1000

var atBest = len(os.Args) > 1 && os.Args[1] == "at-best"

func main() {
	if atBest {
		batchOf = 10_000
	}
	commands := bufio.NewScanner(os.Stdin)
	for commands.Scan() {
		var what, brokers, from, to string
		var records int
		if _, err := fmt.Sscan(commands.Text(), &what, &brokers, &from, &to, &records); err != nil {
			log.Fatalf("not a command: %s: %v", commands.Text(), err)
		}
		run := map[string]func(brokers, from, to string, records int) error{"source": source, "sink": sink}[what]
		if run == nil {
			log.Fatalf("neither source nor sink: %s", what)
		}
		if err := run(brokers, from, to, records); err != nil {
			log.Fatal(err)
		}
		fmt.Println("done")
	}
}

func source(brokers, file, topic string, records int) error {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(brokers),
		kgo.DefaultProduceTopic(topic),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchMaxBytes(1_000_000),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.MaxBufferedRecords(100_000),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	environment := service.NewEnvironment()
	err = environment.RegisterBatchOutput("race", service.NewConfigSpec(),
		func(*service.ParsedConfig, *service.Resources) (service.BatchOutput, service.BatchPolicy, int, error) {
			// One batch at a time: the order of the lines is held against what went in.
			return &topicOutput{client}, service.BatchPolicy{}, 1, nil
		})
	if err != nil {
		return err
	}
	if atBest {
		return runPipeline(environment, fmt.Sprintf(`
input: { file: { paths: [ %q ], scanner: { to_the_end: {} } } }
pipeline: { threads: 1, processors: [ { mapping: 'root = content().trim_suffix("\n")' }, { unarchive: { format: lines } } ] }
output: { race: {} }
`, file))
	}
	return runPipeline(environment, fmt.Sprintf(`
input:
  batched:
    child: { file: { paths: [ %q ], scanner: { lines: {} } } }
    policy: { count: %d }
pipeline: { threads: 1 }
output: { race: {} }
`, file, batchOf))
}

func sink(brokers, topic, file string, records int) error {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(brokers),
		kgo.ConsumerGroup(fmt.Sprintf("race-go-%d-%s", os.Getpid(), file[len(file)-8:])),
		kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.AutoCommitMarks(),
		kgo.FetchMaxPartitionBytes(8<<20),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	environment := service.NewEnvironment()
	err = environment.RegisterBatchInput("race", service.NewConfigSpec(),
		func(*service.ParsedConfig, *service.Resources) (service.BatchInput, error) {
			return &topicInput{client: client, left: records}, nil
		})
	if err != nil {
		return err
	}
	joined := "pipeline: { threads: 1 }"
	if atBest {
		joined = "pipeline: { threads: 1, processors: [ { archive: { format: lines } } ] }"
	}
	return runPipeline(environment, fmt.Sprintf(`
input: { race: {} }
%s
output: { file: { path: %q, codec: lines } }
`, joined, file))
}

func runPipeline(environment *service.Environment, config string) error {
	builder := environment.NewStreamBuilder()
	if err := builder.SetYAML(config); err != nil {
		return err
	}
	if err := builder.SetLoggerYAML("level: ERROR"); err != nil {
		return err
	}
	stream, err := builder.Build()
	if err != nil {
		return err
	}
	return stream.Run(context.Background())
}

type topicOutput struct{ client *kgo.Client }

func (*topicOutput) Connect(context.Context) error { return nil }

func (output *topicOutput) WriteBatch(ctx context.Context, batch service.MessageBatch) error {
	records := make([]*kgo.Record, len(batch))
	for i, message := range batch {
		value, err := message.AsBytes()
		if err != nil {
			return err
		}
		records[i] = &kgo.Record{Value: value}
	}
	return output.client.ProduceSync(ctx, records...).FirstErr()
}

func (*topicOutput) Close(context.Context) error { return nil }

type topicInput struct {
	client *kgo.Client
	left   int
}

func (*topicInput) Connect(context.Context) error { return nil }

func (input *topicInput) ReadBatch(ctx context.Context) (service.MessageBatch, service.AckFunc, error) {
	if input.left == 0 {
		return nil, nil, service.ErrEndOfInput
	}
	fetched := input.client.PollRecords(ctx, batchOf)
	if err := fetched.Err(); err != nil {
		return nil, nil, err
	}
	records := fetched.Records()
	batch := make(service.MessageBatch, len(records))
	for i, record := range records {
		batch[i] = service.NewMessage(record.Value)
	}
	input.left -= len(records)
	isLast := input.left == 0
	return batch, func(ctx context.Context, err error) error {
		if err != nil {
			return err
		}
		input.client.MarkCommitRecords(records...)
		if isLast {
			return input.client.CommitMarkedOffsets(ctx)
		}
		return nil
	}, nil
}

func (*topicInput) Close(context.Context) error { return nil }
