package drover.host;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.metrics.PluginMetrics;
import org.apache.kafka.connect.connector.Connector;
import org.apache.kafka.connect.connector.ConnectorContext;
import org.apache.kafka.connect.sink.SinkConnector;
import org.apache.kafka.connect.sink.SinkConnectorContext;
import org.apache.kafka.connect.source.SourceConnectorContext;
import org.apache.kafka.connect.storage.OffsetStorageReader;

/** A connector, for as long as it takes to ask for its tasks. */
final class ConnectorSession extends Session {
    private final Connector connector;

    ConnectorSession(Frames frames, int id, Connector connector) {
        super(frames, id, connector.getClass().getName(), connector.getClass().getClassLoader());
        this.connector = connector;
    }

    void start(int call, Map<String, String> config) {
        run(call, () -> {
            ConnectorContext context = connector instanceof SinkConnector ? new ForSink() : new ForSource();
            connector.initialize(context);
            connector.start(config);
            frames.send(Frames.RESULT, call, Frames.NULL);
        });
    }

    void taskConfigs(int call, int most) {
        run(call, () -> {
            List<Map<String, String>> configs = connector.taskConfigs(most);
            ObjectNode answer = JsonNodeFactory.instance.objectNode();
            answer.put("taskClass", connector.taskClass().getName());
            ArrayNode list = answer.putArray("configs");
            if (configs != null) {
                for (Map<String, String> config : configs) {
                    ObjectNode one = list.addObject();
                    // A setting that is null is none.
                    config.forEach((key, value) -> {
                        if (value != null) one.put(key, value);
                    });
                }
            }
            frames.send(Frames.RESULT, call, answer);
        });
    }

    void stop(int call) {
        run(call, () -> {
            try {
                connector.stop();
            } finally {
                close();
            }
            frames.send(Frames.RESULT, call, Frames.NULL);
        });
    }

    private void reconfigure() {
        frames.event("reconfigure", id, Json.object());
    }

    private void raise(Exception error) {
        ObjectNode facts = Json.object();
        facts.set("error", Host.describe(error));
        frames.event("raise", id, facts);
    }

    private final class ForSource implements SourceConnectorContext {
        @Override public void requestTaskReconfiguration() { reconfigure(); }
        @Override public void raiseError(Exception error) { raise(error); }
        @Override public PluginMetrics pluginMetrics() { return metrics(); }
        @Override public OffsetStorageReader offsetStorageReader() { return new OffsetReader(frames, id); }
    }

    private final class ForSink implements SinkConnectorContext {
        @Override public void requestTaskReconfiguration() { reconfigure(); }
        @Override public void raiseError(Exception error) { raise(error); }
        @Override public PluginMetrics pluginMetrics() { return metrics(); }
    }
}
