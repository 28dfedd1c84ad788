package drover.host;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.jar.JarOutputStream;
import java.util.zip.ZipEntry;
import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.sink.SinkConnector;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTask;
import org.apache.kafka.connect.source.SourceConnector;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.source.SourceTask;
import org.slf4j.LoggerFactory;

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
        Path jar = plugin.resolve("rehearsal.jar");
        pack(jar);
        Path socket = folder.resolve("host");
        System.setProperty("drover.plugin.path", folder.toString());
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(socket));
            Thread host = new Thread(() -> serve(socket));
            host.setDaemon(true);
            host.start();
            new Rehearsal(new Frames(server.accept())).play();
        } finally {
            for (Path made : List.of(socket, jar, plugin, folder)) Files.deleteIfExists(made);
        }
        System.exit(0);
    }

    /** Out of a jar of their own, as plugins are. */
    private static void pack(Path jar) throws IOException {
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
            for (Class<?> type : List.of(Source.class, Poll.class, Sink.class, Put.class)) {
                String name = type.getName().replace('.', '/') + ".class";
                out.putNextEntry(new ZipEntry(name));
                try (InputStream bytes = type.getResourceAsStream("/" + name)) {
                    bytes.transferTo(out);
                }
                out.closeEntry();
            }
        }
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
        ObjectNode call = Json.object();
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
            if (frame.type() == Frames.ERROR) throw new IllegalStateException(new String(frame.payload(), StandardCharsets.UTF_8));
            if (frame.type() == Frames.ASK) {
                JsonNode none = JsonNodeFactory.instance.arrayNode().addNull();
                frames.send(Frames.ANSWER, frame.id(), none);
            } else if (frame.type() != Frames.EVENT && frame.id() == id) return;
        }
    }

    public static final class Source extends SourceConnector {
        private static final ConfigDef CONFIG = new ConfigDef()
            .define("file", ConfigDef.Type.STRING, null, new ConfigDef.NonEmptyString(), ConfigDef.Importance.HIGH, "What is never read.");

        @Override public void start(Map<String, String> settings) {}
        @Override public Class<? extends Task> taskClass() { return Poll.class; }
        @Override public List<Map<String, String>> taskConfigs(int most) { return List.of(Map.of("file", "none")); }
        @Override public void stop() {}
        @Override public ConfigDef config() { return CONFIG; }
        @Override public String version() { return "1"; }
    }

    public static final class Poll extends SourceTask {
        @Override public void start(Map<String, String> settings) {
            new AbstractConfig(new ConfigDef().define("file", ConfigDef.Type.STRING, ConfigDef.Importance.HIGH, "What is never read."), settings)
                .getString("file");
            context.offsetStorageReader().offset(Map.of("file", "none"));
            // By a converter.
            context.offsetStorageReader().offset(Map.of("file", new byte[1]));
            // What plugins of most kinds do at their start.
            try (BufferedReader text = new BufferedReader(new InputStreamReader(Files.newInputStream(Path.of(System.getProperty("java.class.path").split(java.io.File.pathSeparator)[0])), StandardCharsets.UTF_8))) {
                text.readLine();
            } catch (IOException none) {
                LoggerFactory.getLogger(Poll.class).info("There is no {}: {}", "none", none.getMessage());
            }
        }

        @Override public List<SourceRecord> poll() {
            return List.of(new SourceRecord(Map.of("file", "none"), Map.of("at", 1L), "topic", Schema.STRING_SCHEMA, "text"));
        }

        @Override public void stop() {}
        @Override public String version() { return "1"; }
    }

    public static final class Sink extends SinkConnector {
        private static final ConfigDef CONFIG = new ConfigDef()
            .define("file", ConfigDef.Type.STRING, null, new ConfigDef.NonEmptyString(), ConfigDef.Importance.HIGH, "What is never read.");

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
