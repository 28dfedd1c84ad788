package drover.host;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.record.TimestampType;
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

    private final DataWriter writer = new DataWriter();
    private final DataReader reader = new DataReader();

    private static final class Texts {
        private final Map<String, Integer> numbers = new HashMap<>();

        void write(Out out, String text) {
            Integer number = numbers.putIfAbsent(text, numbers.size());
            if (number == null) out.uint(0).text(text);
            else out.uint(number + 1);
        }
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

    List<SinkRecord> readSink(In in) {
        int count = in.int32();
        List<SinkRecord> records = new java.util.ArrayList<>(count);
        List<String> topics = new java.util.ArrayList<>();
        for (int i = 0; i < count; i++) {
            int flags = in.byteOf();
            String topic = readTopic(in, topics);
            int partition = (flags & HAS_PARTITION) != 0 ? in.int32() : 0;
            long offset = in.int64();
            TimestampType type = TimestampType.values()[in.byteOf()];
            Long timestamp = (flags & HAS_TIMESTAMP) != 0 ? in.int64() : null;
            var keySchema = reader.schema(in);
            Object key = reader.value(in, keySchema);
            var valueSchema = reader.schema(in);
            Object value = reader.value(in, valueSchema);
            ConnectHeaders headers = (flags & HAS_HEADERS) != 0 ? readHeaders(in) : new ConnectHeaders();
            boolean moved = (flags & HAS_ORIGINAL) != 0;
            String originalTopic = moved ? readTopic(in, topics) : topic;
            int originalPartition = moved ? in.int32() : partition;
            long originalOffset = moved ? in.int64() : offset;
            SinkRecord record = new SinkRecord(originalTopic, originalPartition, keySchema, key, valueSchema, value, offset,
                timestamp, type, headers, originalTopic, originalPartition, originalOffset);
            boolean stays = topic.equals(originalTopic) && (flags & HAS_PARTITION) != 0 && partition == originalPartition;
            records.add(stays ? record : record.newRecord(topic, (flags & HAS_PARTITION) != 0 ? partition : null, keySchema, key,
                valueSchema, value, timestamp, headers));
        }
        return records;
    }

    private static String readTopic(In in, List<String> topics) {
        int reference = in.uint();
        if (reference > 0) return topics.get(reference - 1);
        String topic = in.text();
        topics.add(topic);
        return topic;
    }

    private ConnectHeaders readHeaders(In in) {
        ConnectHeaders headers = new ConnectHeaders();
        for (int left = in.uint(); left > 0; left--) {
            String key = in.text();
            var schema = reader.schema(in);
            headers.add(key, new org.apache.kafka.connect.data.SchemaAndValue(schema, reader.value(in, schema)));
        }
        return headers;
    }
}
