package drover.host;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.header.ConnectHeaders;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.header.Headers;
import org.apache.kafka.connect.runtime.WorkerTransactionContext;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.source.SourceRecord;

/** Many records in one frame. Topics and source partitions are written once for each frame. */
final class Records {
    private static final int HAS_PARTITION = 1;
    private static final int HAS_TIMESTAMP = 2;
    private static final int HAS_HEADERS = 4;
    private static final int COMMIT_BEHIND = 8;
    private static final int ABORT_BEHIND = 16;
    private static final int HAS_ORIGINAL = 8;
    private static final int FOLLOWS = 16;

    private static final TimestampType[] TYPES = TimestampType.values();

    private final DataReader reader;
    private final DataWriter writer;

    Records() {
        this(new DataReader(), new DataWriter());
    }

    Records(DataReader reader, DataWriter writer) {
        this.reader = reader;
        this.writer = writer;
    }

    /** From `from` on, until the frame is large enough; answers the place behind the last one. */
    int writeSource(Out out, List<SourceRecord> records, int from, int mostBytes, WorkerTransactionContext transactions) {
        Texts topics = new Texts();
        Texts partitions = new Texts();
        IdentityHashMap<Map<String, ?>, String> texts = new IdentityHashMap<>();
        int countAt = out.size();
        out.int32(0);
        int at = from;
        try {
            while (at < records.size() && (at == from || out.size() < mostBytes)) {
                SourceRecord record = records.get(at++);
                if (record.topic() == null) throw new ConnectException("A record without a topic, of the source partition " + record.sourcePartition());
                Headers headers = record.headers();
                int flags = (record.kafkaPartition() != null ? HAS_PARTITION : 0)
                    | (record.timestamp() != null ? HAS_TIMESTAMP : 0)
                    | (headers.isEmpty() ? 0 : HAS_HEADERS)
                    | (transactions != null && transactions.shouldCommitOn(record) ? COMMIT_BEHIND : 0)
                    | (transactions != null && transactions.shouldAbortOn(record) ? ABORT_BEHIND : 0);
                out.byteOf(flags);
                topics.write(out, record.topic());
                Map<String, ?> partition = record.sourcePartition();
                String text = texts.get(partition);
                if (text == null) {
                    text = new String(OffsetText.write(partition), StandardCharsets.UTF_8);
                    if (texts.size() < 1000) texts.put(partition, text);
                }
                partitions.write(out, text);
                out.bytes(OffsetText.write(record.sourceOffset()));
                if (record.kafkaPartition() != null) out.int32(record.kafkaPartition());
                if (record.timestamp() != null) out.int64(record.timestamp());
                writer.schema(out, record.keySchema());
                writer.value(out, record.keySchema(), record.key());
                writer.schema(out, record.valueSchema());
                writer.value(out, record.valueSchema(), record.value());
                if (!headers.isEmpty()) writeHeaders(out, headers);
            }
        } catch (RuntimeException error) {
            writer.forget();
            throw error;
        }
        out.int32At(countAt, at - from);
        return at;
    }

    private void writeHeaders(Out out, Headers headers) {
        out.uint(headers.size());
        for (Header header : headers) {
            out.text(header.key());
            writer.schema(out, header.schema());
            writer.value(out, header.schema(), header.value());
        }
    }

    /** What a transformation may have changed of a record. */
    void writeRecord(Out out, ConnectRecord<?> record) {
        Headers headers = record.headers();
        if (record.topic() == null) throw new ConnectException("A transformation has left a record without a topic");
        out.byteOf((record.kafkaPartition() != null ? HAS_PARTITION : 0)
            | (record.timestamp() != null ? HAS_TIMESTAMP : 0)
            | (headers.isEmpty() ? 0 : HAS_HEADERS));
        out.text(record.topic());
        if (record.kafkaPartition() != null) out.int32(record.kafkaPartition());
        if (record.timestamp() != null) out.int64(record.timestamp());
        writer.schema(out, record.keySchema());
        writer.value(out, record.keySchema(), record.key());
        writer.schema(out, record.valueSchema());
        writer.value(out, record.valueSchema(), record.value());
        if (!headers.isEmpty()) writeHeaders(out, headers);
    }

    List<SinkRecord> readSink(In in) {
        Reading reading = reading(in);
        int count = in.int32();
        List<SinkRecord> records = new ArrayList<>(count);
        for (int i = 0; i < count; i++) records.add(reading.sink());
        return records;
    }

    Reading reading(In in) {
        return new Reading(in);
    }

    /** The records of one frame. */
    final class Reading {
        private final In in;
        private final Texts topics = new Texts();
        private final Texts partitions = new Texts();
        private final Map<String, Map<String, Object>> maps = new HashMap<>();
        private String topic;
        private Integer partition;
        private long offset;
        private TimestampType type;

        private Reading(In in) {
            this.in = in;
        }

        SourceRecord source() {
            int flags = in.byteOf();
            String topic = topics.read(in);
            Map<String, Object> sourcePartition = maps.computeIfAbsent(partitions.read(in), OffsetText::read);
            Map<String, Object> sourceOffset = OffsetText.read(in.text());
            Integer partition = (flags & HAS_PARTITION) != 0 ? (Integer) in.int32() : null;
            Long timestamp = (flags & HAS_TIMESTAMP) != 0 ? (Long) in.int64() : null;
            Schema keySchema = reader.schema(in);
            Object key = reader.value(in, keySchema);
            Schema valueSchema = reader.schema(in);
            Object value = reader.value(in, valueSchema);
            ConnectHeaders headers = (flags & HAS_HEADERS) != 0 ? readHeaders(in) : new ConnectHeaders();
            return new SourceRecord(sourcePartition, sourceOffset, topic, partition, keySchema, key, valueSchema, value, timestamp, headers);
        }

        SinkRecord sink() {
            int flags = in.byteOf();
            if ((flags & FOLLOWS) != 0) offset++;
            else {
                topic = topics.read(in);
                partition = (flags & HAS_PARTITION) != 0 ? (Integer) in.int32() : null;
                offset = in.int64();
                type = TYPES[in.byteOf()];
            }
            Long timestamp = (flags & HAS_TIMESTAMP) != 0 ? (Long) in.int64() : null;
            Schema keySchema = reader.schema(in);
            Object key = reader.value(in, keySchema);
            Schema valueSchema = reader.schema(in);
            Object value = reader.value(in, valueSchema);
            ConnectHeaders headers = (flags & HAS_HEADERS) != 0 ? readHeaders(in) : new ConnectHeaders();
            boolean moved = (flags & HAS_ORIGINAL) != 0;
            String originalTopic = moved ? topics.read(in) : topic;
            int originalPartition = moved ? in.int32() : partition == null ? 0 : partition;
            long originalOffset = moved ? in.int64() : offset;
            SinkRecord record = new SinkRecord(originalTopic, originalPartition, keySchema, key, valueSchema, value, offset,
                timestamp, type, headers, originalTopic, originalPartition, originalOffset);
            boolean stays = topic.equals(originalTopic) && partition != null && partition == originalPartition;
            return stays ? record : record.newRecord(topic, partition, keySchema, key, valueSchema, value, timestamp, headers);
        }
    }

    private ConnectHeaders readHeaders(In in) {
        ConnectHeaders headers = new ConnectHeaders();
        for (int left = in.uint(); left > 0; left--) {
            String key = in.text();
            Schema schema = reader.schema(in);
            headers.add(key, new SchemaAndValue(schema, reader.value(in, schema)));
        }
        return headers;
    }
}
