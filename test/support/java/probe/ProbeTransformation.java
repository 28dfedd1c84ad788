package probe;

import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.errors.RetriableException;
import org.apache.kafka.connect.transforms.Transformation;

/**
 * Writes behind each value which record it was for this instance, counted at the first attempt. What the value says happens:
 * "fails", "drops", "retries" once, "breaks" with an error that is no exception, "odd" makes what Connect has no type for,
 * "wraps" a text that is no String, beside its schema or, "wraps bare", beside none.
 */
public class ProbeTransformation<R extends ConnectRecord<R>> implements Transformation<R> {
    private final Set<Object> retried = new HashSet<>();
    private String mark;
    private int count;

    @Override
    public ConfigDef config() {
        return new ConfigDef().define("mark", ConfigDef.Type.STRING, ConfigDef.NO_DEFAULT_VALUE, ConfigDef.Importance.HIGH, "What to write");
    }

    @Override
    public void configure(Map<String, ?> settings) {
        mark = (String) settings.get("mark");
    }

    @Override
    public R apply(R record) {
        String value = String.valueOf(record.value());
        if (value.startsWith("retries") && retried.add(value)) throw new RetriableException("not yet");
        count++;
        if (value.startsWith("drops")) return null;
        if (value.startsWith("fails")) throw new DataException("no good: " + value, new IllegalStateException("at the bottom"));
        if (value.startsWith("breaks")) throw new NoClassDefFoundError("missing/Thing");
        Object made = value.startsWith("odd") ? new Object[0] : value + " " + mark + count;
        if (value.startsWith("wraps")) made = new StringBuilder((String) made);
        Schema schema = value.startsWith("wraps") && !value.startsWith("wraps bare") ? Schema.STRING_SCHEMA : null;
        record.headers().addString("marked", mark);
        return record.newRecord(record.topic(), record.kafkaPartition(), record.keySchema(), record.key(), schema, made, record.timestamp());
    }

    @Override public void close() {}
}
