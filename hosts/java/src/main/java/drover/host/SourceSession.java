package drover.host;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.metrics.PluginMetrics;
import org.apache.kafka.connect.runtime.WorkerTransactionContext;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.source.SourceTask;
import org.apache.kafka.connect.source.SourceTaskContext;
import org.apache.kafka.connect.source.TransactionContext;
import org.apache.kafka.connect.storage.OffsetStorageReader;

/** A source task. It starts and polls on one thread; commits come on another, as in a worker. */
final class SourceSession extends Session {
    /** A poll that brings more goes out in several frames, each asked for by itself. */
    private static final int MOST_BYTES = 4 << 20;
    /** How long a poll may take to come back before the task is told to stop beside it, if it is to stop. */
    private static final long POLITE_NANOS = 50_000_000;

    private final SourceTask task;
    private final ExecutorService committing = threadOf("commit");
    private final Semaphore polling = new Semaphore(1);
    private final Records records = new Records();
    private final boolean hearsOfRecords;
    /** What was polled and is to be told of, by the number of its frame. */
    private final Map<Integer, List<SourceRecord>> undelivered = new LinkedHashMap<>();
    private WorkerTransactionContext transactions;
    private List<SourceRecord> polled = List.of();
    private int sent;
    private int batches;
    /** When the last poll was called. */
    private volatile long polledAt = System.nanoTime();
    private volatile boolean stopping;

    SourceSession(Frames frames, int id, SourceTask task) {
        super(frames, id, task.getClass().getName(), task.getClass().getClassLoader());
        this.task = task;
        this.hearsOfRecords = overrides(task.getClass());
    }

    private static boolean overrides(Class<?> type) {
        try {
            return type.getMethod("commitRecord", SourceRecord.class, RecordMetadata.class).getDeclaringClass() != SourceTask.class;
        } catch (NoSuchMethodException | LinkageError error) {
            return true;
        }
    }

    void start(int call, Map<String, String> config, boolean drawsTransactions) {
        run(call, () -> {
            begins();
            polling.acquire();
            try {
                transactions = drawsTransactions ? new WorkerTransactionContext() : null;
                task.initialize(new Context(config));
                task.start(config);
            } finally {
                polling.release();
            }
            ObjectNode answer = JsonNodeFactory.instance.objectNode();
            answer.put("commitRecord", hearsOfRecords);
            answer.put("taskClass", className);
            frames.send(Frames.RESULT, call, answer);
        });
    }

    void poll(int call) {
        run(call, () -> {
            if (sent >= polled.size()) {
                polling.acquire();
                try {
                    polledAt = System.nanoTime();
                    List<SourceRecord> fresh = stopping ? null : task.poll();
                    polled = fresh == null ? List.of() : fresh instanceof java.util.RandomAccess ? fresh : new ArrayList<>(fresh);
                } finally {
                    polling.release();
                }
                sent = 0;
            }
            Out out = Frames.begin(polled.isEmpty() ? 16 : 64 << 10);
            int flagsAt = out.size();
            out.byteOf(0);
            int batch = ++batches;
            out.int32(batch);
            int from = sent;
            sent = records.writeSource(out, polled, from, MOST_BYTES, transactions);
            boolean whole = sent >= polled.size();
            int flags = (whole ? 0 : 4)
                | (whole && transactions != null && transactions.shouldCommitBatch() ? 1 : 0)
                | (whole && transactions != null && transactions.shouldAbortBatch() ? 2 : 0);
            out.array()[flagsAt] = (byte) flags;
            if (hearsOfRecords && sent > from) {
                synchronized (undelivered) {
                    undelivered.put(batch, new ArrayList<>(polled.subList(from, sent)));
                }
            }
            if (whole) {
                polled = List.of();
                sent = 0;
            }
            frames.send(Frames.BATCH, call, out);
        });
    }

    /** Of one batch after the other: the place of each record and where it landed. Places come in order. */
    void delivered(int call, In in) {
        run(committing, call, () -> {
            while (in.left() > 0) {
                int batch = in.int32();
                boolean last = in.byteOf() != 0;
                List<SourceRecord> of;
                synchronized (undelivered) {
                    of = undelivered.get(batch);
                }
                for (int left = in.uint(); left > 0; left--) {
                    int place = in.uint();
                    RecordMetadata metadata = null;
                    if (in.byteOf() != 0) {
                        String topic = in.text();
                        int partition = in.int32();
                        long offset = in.int64();
                        long timestamp = in.int64();
                        metadata = new RecordMetadata(new TopicPartition(topic, partition), offset, 0, timestamp, -1, -1);
                    }
                    SourceRecord record = of == null ? null : of.set(place, null);
                    if (record != null) task.commitRecord(record, metadata);
                }
                if (last) {
                    synchronized (undelivered) {
                        undelivered.remove(batch);
                    }
                }
            }
            frames.send(Frames.RESULT, call, Frames.NULL);
        });
    }

    void commit(int call) {
        run(committing, call, () -> {
            task.commit();
            frames.send(Frames.RESULT, call, Frames.NULL);
        });
    }

    void stop(int call) {
        stopping = true;
        run(committing, call, () -> {
            long patience = POLITE_NANOS - (System.nanoTime() - polledAt);
            boolean idle = polling.tryAcquire(Math.max(0, patience), TimeUnit.NANOSECONDS);
            try {
                task.stop();
                if (!idle) {
                    // It was told beside its poll, and is over when that comes back.
                    polling.acquire();
                    idle = true;
                }
            } finally {
                if (idle) polling.release();
                close();
            }
            frames.send(Frames.RESULT, call, Frames.NULL);
        });
    }

    @Override
    void close() {
        super.close();
        committing.shutdown();
    }

    private final class Context implements SourceTaskContext {
        private final Map<String, String> config;

        Context(Map<String, String> config) {
            this.config = config;
        }

        @Override
        public Map<String, String> configs() {
            return config;
        }

        @Override
        public OffsetStorageReader offsetStorageReader() {
            return new OffsetReader(frames, id);
        }

        @Override
        public TransactionContext transactionContext() {
            return transactions;
        }

        @Override
        public PluginMetrics pluginMetrics() {
            return metrics();
        }
    }

    static Map<String, String> settings(JsonNode node) {
        Map<String, String> settings = new java.util.HashMap<>();
        for (Map.Entry<String, JsonNode> field : node.properties()) {
            settings.put(field.getKey(), field.getValue().isNull() ? null : field.getValue().asText());
        }
        return settings;
    }
}
