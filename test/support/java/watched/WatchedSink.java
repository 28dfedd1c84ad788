package watched;

import java.util.Collection;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.errors.RetriableException;
import org.apache.kafka.connect.integration.MonitorableSinkConnector;
import org.apache.kafka.connect.sink.SinkRecord;

/** Apache's own sink of its integration tests, watched; `mode` says what it asks of its worker besides. */
public class WatchedSink extends MonitorableSinkConnector {
    @Override public Class<? extends Task> taskClass() { return Watched.class; }

    public static class Watched extends MonitorableSinkTask {
        private Calls calls;
        private String mode;
        private boolean done;

        @Override
        public void start(Map<String, String> config) {
            calls = new Calls(config);
            mode = config.getOrDefault("mode", "");
            super.start(config);
            calls.note("start");
        }

        @Override
        public void open(Collection<TopicPartition> partitions) {
            super.open(partitions);
            calls.note("open " + partitions);
        }

        @Override
        public void put(Collection<SinkRecord> records) {
            if (records.isEmpty()) {
                calls.noteOnce("put nothing");
                return;
            }
            // How many come at a time is the consumer's affair.
            for (SinkRecord record : records) calls.note("put " + record.kafkaOffset());
            SinkRecord first = records.iterator().next();
            TopicPartition partition = new TopicPartition(first.topic(), first.kafkaPartition());
            if (!done) {
                done = true;
                switch (mode) {
                    case "retries" -> {
                        context.timeout(10);
                        throw new RetriableException("not yet");
                    }
                    case "rewinds" -> context.offset(partition, 1);
                    case "requests" -> context.requestCommit();
                    case "pauses" -> {
                        context.pause(partition);
                        context.resume(partition);
                    }
                    default -> { }
                }
            }
            super.put(records);
        }

        @Override
        public Map<TopicPartition, OffsetAndMetadata> preCommit(Map<TopicPartition, OffsetAndMetadata> offsets) {
            if (!offsets.isEmpty()) {
                calls.note("preCommit " + offsets.values().stream().map(offset -> String.valueOf(offset.offset())).collect(Collectors.joining(" ")));
            }
            Map<TopicPartition, OffsetAndMetadata> safe = super.preCommit(offsets);
            return mode.equals("holds") ? Map.of() : safe;
        }

        @Override
        public void close(Collection<TopicPartition> partitions) {
            calls.note("close " + partitions);
            super.close(partitions);
        }

        @Override
        public void stop() {
            calls.note("stop");
            super.stop();
        }
    }
}
