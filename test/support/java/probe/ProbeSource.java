package probe;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.config.Config;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.source.ConnectorTransactionBoundaries;
import org.apache.kafka.connect.source.ExactlyOnceSupport;
import org.apache.kafka.connect.source.SourceConnector;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.source.SourceTask;

/** Does what `mode` says, good and bad; `count` records in all, `each` in a poll. What is called is told in the log. */
public class ProbeSource extends SourceConnector {
    private Map<String, String> config;

    @Override public String version() { return "1.5"; }
    @Override public Class<? extends Task> taskClass() { return Probe.class; }
    @Override public void stop() {}

    @Override
    public ConfigDef config() {
        return new ConfigDef()
            .define("mode", ConfigDef.Type.STRING, "records", ConfigDef.Importance.HIGH, "What to do")
            .define("topic", ConfigDef.Type.STRING, ConfigDef.NO_DEFAULT_VALUE, ConfigDef.Importance.HIGH, "Where to")
            .define("look.interval.ms", ConfigDef.Type.LONG, 60_000, ConfigDef.Importance.LOW, "How often to look")
            .define("count", ConfigDef.Type.INT, 10, ConfigDef.Importance.LOW, "How many");
    }

    @Override
    public Config validate(Map<String, String> given) {
        Config validated = super.validate(given);
        validated.configValues().stream()
            .filter(value -> value.name().equals("mode") && "forbidden".equals(value.value()))
            .forEach(value -> value.addErrorMessage("mode must not be forbidden"));
        return validated;
    }

    @Override
    public void start(Map<String, String> given) {
        config = given;
        if ("never-starts".equals(given.get("connector.mode"))) Probe.waitForEver();
        if ("exits".equals(given.get("connector.mode"))) System.exit(7);
        String made = given.get("made.by.its.thread");
        if (made != null) new Thread(() -> touchLater(Path.of(made))).start();
    }

    /** One, or, where it watches a file, one for each line of it. */
    @Override
    public List<Map<String, String>> taskConfigs(int most) {
        String watched = config.get("watched");
        if (watched == null) return List.of(new HashMap<>(config));
        try {
            List<String> lines = Files.readAllLines(Path.of(watched));
            return lines.stream().limit(most).map(line -> Map.of("topic", config.get("topic"), "line", line)).toList();
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    /** As a thread does that looks around from time to time: not at once. */
    private static void touchLater(Path file) {
        try {
            Thread.sleep(100);
            Files.createFile(file);
        } catch (InterruptedException | IOException error) {
            throw new IllegalStateException(error);
        }
    }

    @Override
    public ExactlyOnceSupport exactlyOnceSupport(Map<String, String> given) {
        return ExactlyOnceSupport.SUPPORTED;
    }

    @Override
    public ConnectorTransactionBoundaries canDefineTransactionBoundaries(Map<String, String> given) {
        return ConnectorTransactionBoundaries.SUPPORTED;
    }

    @Override
    public boolean alterOffsets(Map<String, String> given, Map<Map<String, ?>, Map<String, ?>> offsets) {
        for (Map<String, ?> offset : offsets.values()) {
            if (offset != null && !(offset.get("at") instanceof Long)) throw new IllegalArgumentException("at is no long: " + offset);
        }
        return true;
    }

    public static class Probe extends SourceTask {
        private static final Map<String, Object> PARTITION = Map.of("shard", "s");
        /** Beyond what a double can count. */
        static final long BASE = 9_007_199_254_740_993L;
        private static final String HALF_A_MEGABYTE = "z".repeat(500_000);
        private String mode;
        private String topic;
        private long at;
        private long end;
        private int each;
        private volatile boolean stopped;
        private volatile boolean fetched;
        private boolean retried;
        private final java.util.concurrent.CountDownLatch acknowledged = new java.util.concurrent.CountDownLatch(4);
        private StringBuilder calls = new StringBuilder();

        static void waitForEver() {
            try {
                new java.util.concurrent.CountDownLatch(1).await();
            } catch (InterruptedException ended) {
                throw new IllegalStateException(ended);
            }
        }

        private static final java.util.Set<String> loaded = new java.util.HashSet<>();

        /** As what a JVM does once. */
        static void loadClasses(String step, long takesMs) {
            if (loaded.contains(step)) return;
            try {
                Thread.sleep(takesMs);
            } catch (InterruptedException ended) {
                throw new IllegalStateException(ended);
            }
            loaded.add(step);
        }

        @Override public String version() { return "1.5"; }

        @Override
        public void start(Map<String, String> config) {
            mode = config.getOrDefault("mode", "records");
            topic = config.get("topic");
            each = Integer.parseInt(config.getOrDefault("each", "4"));
            Map<String, Object> stored = context.offsetStorageReader().offset(PARTITION);
            // A cast that fails where a long has come back as something else.
            at = stored == null ? BASE : (Long) stored.get("at");
            if (stored != null && !(stored.get("ratio") instanceof Double)) throw new IllegalStateException("ratio is no double: " + stored);
            end = BASE + Integer.parseInt(config.getOrDefault("count", "10"));
            switch (mode) {
                case "exits" -> System.exit(7);
                case "never-starts" -> waitForEver();
                case "starts-slowly" -> loadClasses("start", 2000);
                case "missing" -> Missing.touch();
                case "leaves-threads" -> new Thread(Probe::waitForEver, "left-behind").start();
                case "settles" -> new Thread(() -> {
                    try {
                        Thread.sleep(300);
                    } catch (InterruptedException ended) {
                        return;
                    }
                    fetched = true;
                }).start();
                default -> { }
            }
            // Names that are taken already are refused.
            var metrics = context.pluginMetrics();
            metrics.addMetric(metrics.metricName("at", "where it is", new java.util.LinkedHashMap<>()), (org.apache.kafka.common.metrics.Gauge<Long>) (ignored, now) -> at);
            calls.append("start");
        }

        @Override
        public List<SourceRecord> poll() throws InterruptedException {
            switch (mode) {
                case "noise" -> {
                    System.out.println("\u0000\u0001 noise on stdout " + "x".repeat(5000));
                    System.err.println("noise on stderr");
                }
                case "never-polls" -> {
                    if (at == end) waitForEver();
                }
                case "exhausts" -> {
                    List<byte[]> held = new java.util.ArrayList<>();
                    for (;;) held.add(new byte[16 << 20]);
                }
                case "retries" -> {
                    if (at == BASE + each && !retried) {
                        retried = true;
                        throw new org.apache.kafka.connect.errors.RetriableException("not just now");
                    }
                }
                case "settles" -> {
                    if (!fetched) return null;
                }
                case "waits-for-acknowledgements" -> {
                    if (at > BASE && !acknowledged.await(30, java.util.concurrent.TimeUnit.SECONDS)) return null;
                }
                case "fails" -> {
                    if (at == BASE + each) throw new org.apache.kafka.connect.errors.ConnectException("the source is broken", new java.io.IOException("wire cut"));
                }
                default -> { }
            }
            List<SourceRecord> records = new java.util.ArrayList<>();
            while (records.size() < each && at < end) {
                at++;
                Map<String, Object> offset = new java.util.LinkedHashMap<>();
                offset.put("at", at);
                offset.put("ratio", 1.0);
                Object value = switch (mode) {
                    case "large" -> "y".repeat(600_000);
                    case "gigabytes" -> HALF_A_MEGABYTE;
                    default -> "n" + (at - BASE);
                };
                SourceRecord record = new SourceRecord(PARTITION, offset, topic, null, null, null, Schema.STRING_SCHEMA, value);
                records.add(record);
                if (mode.equals("draws")) draw(record, at - BASE);
            }
            return records.isEmpty() ? null : records;
        }

        /** Transactions of five, and what is behind the last of them; what there is of one at the seventh is taken back. */
        private void draw(SourceRecord record, long number) {
            if (number == 7) context.transactionContext().abortTransaction(record);
            else if (number % 5 == 0 || at == end) context.transactionContext().commitTransaction(record);
        }

        @Override
        public synchronized void commitRecord(SourceRecord record, RecordMetadata metadata) {
            acknowledged.countDown();
            calls.append(' ').append(record.value()).append('@').append(metadata == null ? "none" : metadata.offset());
        }

        @Override
        public synchronized void commit() {
            calls.append(" commit");
        }

        @Override
        public synchronized void stop() {
            stopped = true;
            // Longer than a stop may take that is not the first.
            if (mode.equals("starts-slowly")) loadClasses("stop", 3000);
            if (mode.equals("told")) org.slf4j.LoggerFactory.getLogger("probe").warn("calls: {} stop", calls);
        }
    }

    /** Compiled, and taken away before it is packed. */
    public static class Missing {
        static void touch() {}
    }
}
