package watched;

import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.integration.MonitorableSourceConnector;
import org.apache.kafka.connect.source.SourceRecord;

/** Apache's own source of its integration tests, watched. */
public class WatchedSource extends MonitorableSourceConnector {
    @Override public Class<? extends Task> taskClass() { return Watched.class; }

    public static class Watched extends MonitorableSourceTask {
        private Calls calls;

        @Override
        public void start(Map<String, String> config) {
            calls = new Calls(config);
            super.start(config);
            calls.note("start");
        }

        @Override
        public List<SourceRecord> poll() {
            List<SourceRecord> polled = super.poll();
            if (polled != null && !polled.isEmpty()) {
                calls.note("poll " + polled.get(0).sourceOffset() + " to " + polled.get(polled.size() - 1).sourceOffset());
            }
            return polled;
        }

        @Override
        public void commitRecord(SourceRecord record, RecordMetadata metadata) {
            super.commitRecord(record, metadata);
            calls.note("commitRecord " + record.sourceOffset() + (metadata == null ? "" : " @" + metadata.offset() + " of " + metadata.topic()));
        }

        @Override
        public void commit() {
            super.commit();
            calls.note("commit");
        }

        @Override
        public void stop() {
            calls.note("stop");
            super.stop();
        }
    }
}
