package drover.host;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.sink.SinkConnector;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTask;
import org.apache.kafka.connect.source.SourceConnector;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.source.SourceTask;

/**
 * A short run of either kind, in which the host loads what every run needs: with {@code -XX:ArchiveClassesAtExit} the JVM
 * keeps those classes, and one that starts with that archive reads them as they are.
 */
public final class Rehearsal {
    private static final int SOURCE = 1;
    private static final int SINK = 2;

    private final Frames frames;
    private int calls;

    private Rehearsal(Frames frames) {
        this.frames = frames;
    }

    public static void main(String[] arguments) throws IOException {
        Path folder = Files.createTempDirectory("drover-rehearsal-");
        Path plugin = Files.createDirectory(folder.resolve("rehearsal"));
        Path socket = folder.resolve("host");
        System.setProperty("drover.plugin.path", folder.toString());
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(socket));
            Thread host = new Thread(() -> serve(socket));
            host.setDaemon(true);
            host.start();
            new Rehearsal(new Frames(server.accept())).play();
        } finally {
            for (Path made : List.of(socket, plugin, folder)) Files.deleteIfExists(made);
        }
        System.exit(0);
    }

    private static void serve(Path socket) {
        try {
            Host.main(new String[] {socket.toString()});
        } catch (IOException error) {
            throw new IllegalStateException(error);
        }
    }

    private void play() throws IOException {
        frames.read();
        call("validate", SOURCE, Source.class);
        call("connector.start", SOURCE, Source.class);
        call("connector.taskConfigs", SOURCE, Source.class);
        call("connector.stop", SOURCE, Source.class);
        call("source.start", SOURCE, Source.class);
        frames.send(Frames.POLL, ++calls, Frames.begin(4).int32(SOURCE));
        answer(calls);
        call("source.commit", SOURCE, Source.class);
        call("source.stop", SOURCE, Source.class);
        call("sink.start", SINK, Sink.class);
        call("sink.open", SINK, Sink.class);
        frames.send(Frames.PUT, ++calls, put());
        answer(calls);
        call("sink.preCommit", SINK, Sink.class);
        call("sink.close", SINK, Sink.class);
        call("sink.stop", SINK, Sink.class);
    }

    /** One record of text. */
    private static Out put() {
        Out out = Frames.begin(64).int32(SINK).int32(1).byteOf(1).uint(0).text("topic").int32(0).int64(0).byteOf(1);
        DataWriter data = new DataWriter();
        for (int part = 0; part < 2; part++) {
            data.schema(out, Schema.OPTIONAL_STRING_SCHEMA);
            data.value(out, Schema.OPTIONAL_STRING_SCHEMA, "text");
        }
        return out;
    }

    private void call(String op, int session, Class<?> connector) throws IOException {
        ObjectNode call = Frames.JSON.createObjectNode();
        call.put("op", op).put("session", session).put("location", "rehearsal").put("class", connector.getName()).put("most", 1);
        call.putObject("config").put("name", "rehearsal").put("file", "none");
        call.putArray("assignment").addArray().add("topic").add(0);
        call.putArray("partitions").addArray().add("topic").add(0);
        call.putArray("positions").addArray().add("topic").add(0).add(1);
        frames.send(Frames.CALL, ++calls, call);
        answer(calls);
    }

    /** Throws for a refusal: nothing of this may fail. */
    private void answer(int id) throws IOException {
        for (;;) {
            Frames.Frame frame = frames.read();
            if (frame.type() == Frames.ERROR) throw new IllegalStateException(new String(frame.payload(), java.nio.charset.StandardCharsets.UTF_8));
            if (frame.type() == Frames.ASK) {
                JsonNode none = Frames.JSON.createArrayNode().addNull();
                frames.send(Frames.ANSWER, frame.id(), none);
            } else if (frame.type() != Frames.EVENT && frame.id() == id) return;
        }
    }

    private static final ConfigDef CONFIG =
        new ConfigDef().define("file", ConfigDef.Type.STRING, ConfigDef.Importance.HIGH, "What is never read.");

    public static final class Source extends SourceConnector {
        @Override public void start(Map<String, String> settings) {}
        @Override public Class<? extends Task> taskClass() { return Poll.class; }
        @Override public List<Map<String, String>> taskConfigs(int most) { return List.of(Map.of("file", "none")); }
        @Override public void stop() {}
        @Override public ConfigDef config() { return CONFIG; }
        @Override public String version() { return "1"; }
    }

    public static final class Poll extends SourceTask {
        @Override public void start(Map<String, String> settings) {
            context.offsetStorageReader().offset(Map.of("file", "none"));
        }

        @Override public List<SourceRecord> poll() {
            return List.of(new SourceRecord(Map.of("file", "none"), Map.of("at", 1L), "topic", Schema.STRING_SCHEMA, "text"));
        }

        @Override public void stop() {}
        @Override public String version() { return "1"; }
    }

    public static final class Sink extends SinkConnector {
        @Override public void start(Map<String, String> settings) {}
        @Override public Class<? extends Task> taskClass() { return Put.class; }
        @Override public List<Map<String, String>> taskConfigs(int most) { return List.of(Map.of()); }
        @Override public void stop() {}
        @Override public ConfigDef config() { return CONFIG; }
        @Override public String version() { return "1"; }
    }

    public static final class Put extends SinkTask {
        @Override public void start(Map<String, String> settings) {}
        @Override public void put(Collection<SinkRecord> records) {}
        @Override public void stop() {}
        @Override public String version() { return "1"; }
    }
}
