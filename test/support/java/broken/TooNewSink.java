package broken;

import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.sink.SinkConnector;

/** What it was compiled for is changed before it is packed. */
public class TooNewSink extends SinkConnector {
    @Override public String version() { return "1"; }
    @Override public ConfigDef config() { return new ConfigDef(); }
    @Override public Class<? extends Task> taskClass() { return null; }
    @Override public void start(Map<String, String> config) {}
    @Override public List<Map<String, String>> taskConfigs(int most) { return List.of(); }
    @Override public void stop() {}
}
