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
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.metrics.PluginMetrics;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.errors.IllegalWorkerStateException;
import org.apache.kafka.connect.sink.ErrantRecordReporter;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTask;
import org.apache.kafka.connect.sink.SinkTaskContext;

/** A sink task. All its calls come on one thread; what is put is read on another, which may be ahead of it. */
final class SinkSession extends Session {
    private final SinkTask task;
    private final Records records = new Records();
    private final Set<TopicPartition> assigned = ConcurrentHashMap.newKeySet();
    private final ExecutorService reading = threadOf("records");
    /** What came before its put. */
    private final AtomicReference<Ahead> ahead = new AtomicReference<>();
    /** How often the task has asked for something through its context. */
    private final AtomicInteger wishes = new AtomicInteger();

    private record Ahead(int number, Future<List<SinkRecord>> records) {}

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
        // Others than were to come: the task has gone back, or is tried again.
        ahead.set(null);
        put(call, read(in));
    }

    void ahead(int number, In in) {
        ahead.set(new Ahead(number, read(in)));
    }

    void go(int number) {
        Ahead there = ahead.getAndSet(null);
        if (there == null || there.number != number) throw new ConnectException("There are no records of the number " + number);
        put(number, there.records);
    }

    /** In the order of the frames, which share their schemas. */
    private Future<List<SinkRecord>> read(In in) {
        return reading.submit(() -> records.readSink(in));
    }

    /** Goes on with what came ahead, unless the task has a wish that may concern it. */
    private void put(int call, Future<List<SinkRecord>> read) {
        run(call, () -> {
            int before = wishes.get();
            task.put(done(read));
            Ahead next = wishes.get() == before ? ahead.getAndSet(null) : null;
            frames.send(Frames.RESULT, call, next == null ? Frames.NULL : Frames.TRUE);
            if (next != null) put(next.number, next.records);
        });
    }

    private static List<SinkRecord> done(Future<List<SinkRecord>> read) throws Exception {
        try {
            return read.get();
        } catch (ExecutionException failed) {
            if (failed.getCause() instanceof Error error) throw error;
            throw (Exception) failed.getCause();
        }
    }

    @Override
    void close() {
        reading.shutdown();
        super.close();
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
            wish("offset", facts);
        }

        @Override
        public void timeout(long ms) {
            wish("timeout", Json.object().put("ms", ms));
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
            wish(name, facts);
        }

        @Override
        public void requestCommit() {
            wish("requestCommit", Json.object());
        }

        private void wish(String name, ObjectNode facts) {
            wishes.incrementAndGet();
            frames.event(name, id, facts);
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
