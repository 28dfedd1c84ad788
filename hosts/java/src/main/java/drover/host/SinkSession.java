package drover.host;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.metrics.PluginMetrics;
import org.apache.kafka.connect.errors.IllegalWorkerStateException;
import org.apache.kafka.connect.sink.ErrantRecordReporter;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTask;
import org.apache.kafka.connect.sink.SinkTaskContext;

/** A sink task. All its calls come on one thread. */
final class SinkSession extends Session {
    private final SinkTask task;
    private final Records records = new Records();
    private final Set<TopicPartition> assigned = ConcurrentHashMap.newKeySet();

    SinkSession(Frames frames, int id, SinkTask task) {
        super(frames, id, task.getClass().getName(), task.getClass().getClassLoader());
        this.task = task;
    }

    void start(int call, Map<String, String> config, JsonNode assignment, boolean reports) {
        run(call, () -> {
            begins();
            assigned.addAll(partitions(assignment));
            task.initialize(new Context(config, reports));
            task.start(config);
            ObjectNode answer = JsonNodeFactory.instance.objectNode();
            answer.put("taskClass", className);
            frames.send(Frames.RESULT, call, answer);
        });
    }

    void open(int call, JsonNode opened) {
        run(call, () -> {
            List<TopicPartition> partitions = partitions(opened);
            assigned.addAll(partitions);
            task.open(partitions);
            frames.send(Frames.RESULT, call, Frames.NULL);
        });
    }

    void put(int call, In in) {
        run(call, () -> {
            task.put(records.readSink(in));
            frames.send(Frames.RESULT, call, Frames.NULL);
        });
    }

    void preCommit(int call, JsonNode positions) {
        run(call, () -> {
            Map<TopicPartition, OffsetAndMetadata> current = new HashMap<>();
            for (JsonNode one : positions) {
                current.put(new TopicPartition(one.get(0).asText(), one.get(1).asInt()), new OffsetAndMetadata(one.get(2).asLong()));
            }
            Map<TopicPartition, OffsetAndMetadata> safe = task.preCommit(current);
            ArrayNode answer = JsonNodeFactory.instance.arrayNode();
            if (safe != null) {
                safe.forEach((partition, offset) -> {
                    if (offset != null) answer.addArray().add(partition.topic()).add(partition.partition()).add(offset.offset());
                });
            }
            frames.send(Frames.RESULT, call, answer);
        });
    }

    void closePartitions(int call, JsonNode closed) {
        run(call, () -> {
            List<TopicPartition> partitions = partitions(closed);
            task.close(partitions);
            partitions.forEach(assigned::remove);
            frames.send(Frames.RESULT, call, Frames.NULL);
        });
    }

    void stop(int call) {
        run(call, () -> {
            try {
                task.stop();
            } finally {
                close();
            }
            frames.send(Frames.RESULT, call, Frames.NULL);
        });
    }

    private static List<TopicPartition> partitions(JsonNode node) {
        List<TopicPartition> partitions = new ArrayList<>();
        for (JsonNode one : node) partitions.add(new TopicPartition(one.get(0).asText(), one.get(1).asInt()));
        return partitions;
    }

    private final class Context implements SinkTaskContext {
        private final Map<String, String> config;
        private final boolean reports;

        Context(Map<String, String> config, boolean reports) {
            this.config = config;
            this.reports = reports;
        }

        @Override
        public Map<String, String> configs() {
            return config;
        }

        @Override
        public void offset(Map<TopicPartition, Long> offsets) {
            offsets.forEach(this::offset);
        }

        @Override
        public void offset(TopicPartition partition, long offset) {
            // As in Java, what is not assigned is not rewound.
            if (!assigned.contains(partition)) return;
            ObjectNode facts = Json.object();
            facts.put("topic", partition.topic()).put("partition", partition.partition()).put("offset", offset);
            frames.event("offset", id, facts);
        }

        @Override
        public void timeout(long ms) {
            frames.event("timeout", id, Json.object().put("ms", ms));
        }

        @Override
        public Set<TopicPartition> assignment() {
            return new HashSet<>(assigned);
        }

        @Override
        public void pause(TopicPartition... partitions) {
            change("pause", partitions);
        }

        @Override
        public void resume(TopicPartition... partitions) {
            change("resume", partitions);
        }

        private void change(String name, TopicPartition[] partitions) {
            ArrayNode list = JsonNodeFactory.instance.arrayNode();
            for (TopicPartition partition : partitions) {
                if (!assigned.contains(partition)) {
                    throw new IllegalWorkerStateException("SinkTasks may not " + name + " partitions that are not assigned to them: " + partition);
                }
                list.addArray().add(partition.topic()).add(partition.partition());
            }
            ObjectNode facts = Json.object();
            facts.set("partitions", list);
            frames.event(name, id, facts);
        }

        @Override
        public void requestCommit() {
            frames.event("requestCommit", id, Json.object());
        }

        @Override
        public ErrantRecordReporter errantRecordReporter() {
            return reports ? this::report : null;
        }

        private Future<Void> report(SinkRecord record, Throwable error) {
            ObjectNode facts = Json.object();
            facts.put("topic", record.originalTopic()).put("partition", record.originalKafkaPartition()).put("offset", record.originalKafkaOffset());
            facts.set("error", Host.describe(error));
            return frames.ask("errant", id, facts).thenApply(answer -> null);
        }

        @Override
        public PluginMetrics pluginMetrics() {
            return metrics();
        }
    }
}
