package probe;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.errors.RetriableException;
import org.apache.kafka.connect.sink.SinkConnector;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTask;

/** Writes down in a file what it is called, and does what `mode` says. */
public class ProbeSink extends SinkConnector {
    private Map<String, String> config;

    @Override public String version() { return "1.5"; }
    @Override public Class<? extends Task> taskClass() { return Probe.class; }
    @Override public void start(Map<String, String> given) { config = given; }
    @Override public List<Map<String, String>> taskConfigs(int most) { return List.of(config); }
    @Override public void stop() {}

    @Override
    public ConfigDef config() {
        return new ConfigDef().define("calls", ConfigDef.Type.STRING, ConfigDef.NO_DEFAULT_VALUE, ConfigDef.Importance.HIGH, "File of the calls");
    }

    public static class Probe extends SinkTask {
        private Path calls;
        private String mode;
        private boolean done;
        private String last = "";

        @Override public String version() { return "1.5"; }

        private void note(String call) {
            last = call;
            try {
                Files.writeString(calls, call + "\n", StandardCharsets.UTF_8, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            } catch (IOException error) {
                throw new java.io.UncheckedIOException(error);
            }
        }

        @Override
        public void start(Map<String, String> config) {
            calls = Path.of(config.get("calls"));
            mode = config.getOrDefault("mode", "");
            note("start " + context.assignment().size());
        }

        @Override
        public void open(Collection<TopicPartition> partitions) {
            note("open " + partitions);
        }

        @Override
        public void put(Collection<SinkRecord> records) {
            if (records.isEmpty()) {
                // How often is the worker's affair.
                if (!last.equals("put")) note("put");
                if (mode.equals("pauses")) context.resume(context.assignment().toArray(new TopicPartition[0]));
                return;
            }
            String values = records.stream().map(record -> String.valueOf(record.value())).collect(Collectors.joining(" "));
            note("put " + values);
            SinkRecord first = records.iterator().next();
            switch (mode) {
                case "reports" -> {
                    for (SinkRecord record : records) {
                        if (!String.valueOf(record.value()).equals("bad")) continue;
                        try {
                            context.errantRecordReporter().report(record, new IllegalArgumentException("no good")).get();
                        } catch (Exception error) {
                            throw new IllegalStateException(error);
                        }
                        note("reported " + record.value());
                    }
                }
                case "retries" -> {
                    if (!done) {
                        done = true;
                        context.timeout(1);
                        throw new RetriableException("not yet");
                    }
                }
                case "rewinds" -> {
                    if (!done) {
                        done = true;
                        context.offset(new TopicPartition(first.topic(), first.kafkaPartition()), 0);
                    }
                }
                case "places" -> {
                    for (SinkRecord record : records) {
                        note("at " + record.topic() + " " + record.kafkaPartition() + " " + record.kafkaOffset() + " " + record.timestampType()
                            + " " + record.timestamp() + " " + record.key() + " " + record.originalTopic() + " "
                            + record.originalKafkaPartition() + " " + record.originalKafkaOffset());
                    }
                }
                case "pauses" -> context.pause(context.assignment().toArray(new TopicPartition[0]));
                default -> { }
            }
        }

        @Override
        public Map<TopicPartition, OffsetAndMetadata> preCommit(Map<TopicPartition, OffsetAndMetadata> offsets) {
            note("preCommit " + offsets.values().stream().map(offset -> String.valueOf(offset.offset())).collect(Collectors.joining(" ")));
            return offsets;
        }

        @Override
        public void close(Collection<TopicPartition> partitions) {
            note("close " + partitions);
        }

        @Override
        public void stop() {
            note("stop");
        }
    }
}
