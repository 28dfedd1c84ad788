package probe;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.errors.RetriableException;
import org.apache.kafka.connect.storage.Converter;

/** Texts, with a header of its own beside each, as registries' converters may write; one value is retried, one is no good. */
public class StampingConverter implements Converter {
    private boolean retried;

    @Override public void configure(Map<String, ?> settings, boolean isKey) {}

    @Override
    public byte[] fromConnectData(String topic, Headers headers, Schema schema, Object value) {
        String text = String.valueOf(value);
        if (text.startsWith("slow") && !retried) {
            retried = true;
            throw new RetriableException("the registry is away");
        }
        if (text.startsWith("unfit")) throw new DataException("does not fit: " + text);
        headers.add("stamp", topic.getBytes(StandardCharsets.UTF_8));
        return value == null ? null : text.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public byte[] fromConnectData(String topic, Schema schema, Object value) {
        throw new IllegalStateException("a worker hands over the headers");
    }

    @Override
    public SchemaAndValue toConnectData(String topic, Headers headers, byte[] bytes) {
        if (bytes == null) return null;
        String text = new String(bytes, StandardCharsets.UTF_8);
        if (text.startsWith("unfit")) throw new DataException("does not fit: " + text);
        var stamp = headers.lastHeader("stamp");
        return new SchemaAndValue(Schema.STRING_SCHEMA, stamp == null ? text : text + " in " + new String(stamp.value(), StandardCharsets.UTF_8));
    }

    @Override
    public SchemaAndValue toConnectData(String topic, byte[] bytes) {
        return toConnectData(topic, new org.apache.kafka.common.header.internals.RecordHeaders(), bytes);
    }
}
