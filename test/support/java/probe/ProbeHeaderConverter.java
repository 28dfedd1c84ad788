package probe;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.storage.HeaderConverter;

/** Brackets around texts, and off again. */
public class ProbeHeaderConverter implements HeaderConverter {
    @Override public ConfigDef config() { return new ConfigDef(); }

    @Override
    public void configure(Map<String, ?> settings) {
        if (!"header".equals(settings.get("converter.type"))) throw new IllegalArgumentException("no header converter: " + settings);
    }

    @Override
    public byte[] fromConnectHeader(String topic, String key, Schema schema, Object value) {
        return value == null ? null : ("[" + value + "]").getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public SchemaAndValue toConnectHeader(String topic, String key, byte[] bytes) {
        if (bytes == null) return SchemaAndValue.NULL;
        String text = new String(bytes, StandardCharsets.UTF_8);
        if (!text.startsWith("[")) throw new DataException("no brackets around " + text);
        return new SchemaAndValue(Schema.STRING_SCHEMA, text.substring(1, text.length() - 1));
    }

    @Override public void close() {}
}
