package probe;

import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.transforms.predicates.Predicate;

/** Holds for values with this in them. */
public class ProbePredicate<R extends ConnectRecord<R>> implements Predicate<R> {
    private String has;

    @Override
    public ConfigDef config() {
        return new ConfigDef().define("has", ConfigDef.Type.STRING, ConfigDef.NO_DEFAULT_VALUE, ConfigDef.Importance.HIGH, "What to look for");
    }

    @Override
    public void configure(Map<String, ?> settings) {
        has = (String) settings.get("has");
    }

    @Override
    public boolean test(R record) {
        String value = String.valueOf(record.value());
        if (value.startsWith("untestable")) throw new DataException("cannot be tested");
        return value.contains(has);
    }

    @Override public void close() {}
}
