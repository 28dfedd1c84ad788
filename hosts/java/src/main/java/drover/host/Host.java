package drover.host;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.EOFException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.Config;
import org.apache.kafka.common.config.ConfigValue;
import org.apache.kafka.connect.connector.Connector;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.errors.RetriableException;
import org.apache.kafka.connect.sink.SinkConnector;
import org.apache.kafka.connect.sink.SinkTask;
import org.apache.kafka.connect.source.SourceConnector;
import org.apache.kafka.connect.source.SourceTask;
import org.apache.kafka.connect.storage.Converter;
import org.apache.kafka.connect.storage.HeaderConverter;
import org.apache.kafka.connect.transforms.Transformation;
import org.apache.kafka.connect.transforms.predicates.Predicate;
import org.slf4j.event.Level;

/**
 * Runs Java plugins for the process that has started it: {@code drover.host.Host <socket>}, with the plugin path in the
 * system property {@code drover.plugin.path}, separated by commas. It keeps nothing and decides nothing; when its socket
 * ends, so does it. The protocol is told in docs/java-host-protocol.md.
 */
public final class Host {
    static final int PROTOCOL = 4;

    private final Frames frames;
    private final PluginFolders folders;
    private final Map<Integer, Session> sessions = new ConcurrentHashMap<>();
    /** For calls that have no session: each may take its time. */
    private final ExecutorService calls = Executors.newCachedThreadPool(work -> {
        Thread made = new Thread(work, "call");
        made.setDaemon(true);
        return made;
    });

    private Host(Frames frames, PluginFolders folders) {
        this.frames = frames;
        this.folders = folders;
    }

    public static void main(String[] arguments) throws IOException {
        chooseSelectors();
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.connect(UnixDomainSocketAddress.of(arguments[0]));
        Frames frames = new Frames(channel);
        ObjectNode ready = Json.object();
        ready.put("protocol", PROTOCOL).put("java", Runtime.version().toString());
        frames.event("ready", 0, ready);
        HostLog.listen(Level.valueOf(System.getProperty("drover.log.level", "WARN")), (level, logger, message, trace) -> {
            ObjectNode line = Json.object();
            line.put("level", level.name()).put("logger", logger).put("message", message).put("trace", trace);
            frames.event("log", 0, line);
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> tellExit(frames), "exit"));
        Thread.setDefaultUncaughtExceptionHandler((thread, error) -> {
            ObjectNode line = Json.object();
            line.put("level", "ERROR").put("logger", thread.getName());
            line.put("message", "Uncaught exception in thread " + thread.getName()).put("trace", HostLog.trace(error));
            frames.event("log", 0, line);
        });
        List<String> path = Arrays.stream(System.getProperty("drover.plugin.path", "").split(","))
            .map(String::strip).filter(folder -> !folder.isEmpty()).toList();
        try {
            new Host(frames, new PluginFolders(path)).serve();
        } catch (EOFException gone) {
            Runtime.getRuntime().halt(0);
        }
    }

    /** As Linux has them by default; unless they are named, every jar is searched for others. */
    private static void chooseSelectors() {
        String chosen = "java.nio.channels.spi.SelectorProvider";
        String ofLinux = "sun.nio.ch.EPollSelectorProvider";
        if (System.getProperty(chosen) != null) return;
        try {
            Class.forName(ofLinux);
            System.setProperty(chosen, ofLinux);
        } catch (ClassNotFoundException elsewhere) {
            // Another system: it finds its own.
        }
    }

    /** Who has called System.exit, if anybody. */
    private static void tellExit(Frames frames) {
        for (Map.Entry<Thread, StackTraceElement[]> entry : Thread.getAllStackTraces().entrySet()) {
            StackTraceElement[] stack = entry.getValue();
            for (int i = 0; i < stack.length; i++) {
                if (!stack[i].getClassName().equals("java.lang.Runtime") || !stack[i].getMethodName().equals("exit")) continue;
                ObjectNode facts = Json.object();
                facts.put("thread", entry.getKey().getName());
                StackTraceElement caller = stack[Math.min(i + 1, stack.length - 1)];
                if (caller.getClassName().equals("java.lang.System") && i + 2 < stack.length) caller = stack[i + 2];
                facts.put("caller", caller.toString());
                frames.event("exit", 0, facts);
                return;
            }
        }
    }

    static ObjectNode describe(Throwable error) {
        ObjectNode facts = Json.object();
        facts.put("class", error.getClass().getName());
        facts.put("message", error.getMessage() == null ? error.getClass().getSimpleName() : error.getMessage());
        facts.put("trace", HostLog.trace(error));
        facts.put("retriable", error instanceof RetriableException || error instanceof org.apache.kafka.common.errors.RetriableException);
        facts.put("linkage", error instanceof LinkageError || error.getCause() instanceof LinkageError ? PluginFolders.reason(error) : null);
        return facts;
    }

    static void answering(Frames frames, int call, Session.Work work) {
        try {
            work.run();
        } catch (Throwable error) {
            if (error instanceof InterruptedException) Thread.currentThread().interrupt();
            frames.send(Frames.ERROR, call, describe(error));
        }
    }

    private void serve() throws IOException {
        for (;;) {
            Frames.Frame frame = frames.read();
            switch (frame.type()) {
                case Frames.ANSWER, Frames.REFUSAL -> frames.answered(frame);
                case Frames.CALL -> {
                    JsonNode call = Json.read(frame.payload());
                    calls.execute(() -> answering(frames, frame.id(), () -> take(frame.id(), call)));
                }
                default -> answering(frames, frame.id(), () -> takeBinary(frame));
            }
        }
    }

    private void takeBinary(Frames.Frame frame) {
        In in = new In(frame.payload());
        int id = in.int32();
        Session session = sessions.get(id);
        switch (frame.type()) {
            case Frames.POLL -> expect(session, SourceSession.class).poll(frame.id());
            case Frames.DELIVERED -> expect(session, SourceSession.class).delivered(frame.id(), in);
            case Frames.PUT -> expect(session, SinkSession.class).put(frame.id(), in);
            case Frames.AHEAD -> expect(session, SinkSession.class).ahead(frame.id(), in);
            case Frames.GO -> expect(session, SinkSession.class).go(frame.id());
            case Frames.FROM_CONNECT -> expect(session, Conversion.class).fromConnect(frame.id(), in);
            case Frames.TO_CONNECT -> expect(session, Conversion.class).toConnect(frame.id(), in);
            case Frames.APPLY -> expect(session, TransformationSession.class).apply(frame.id(), in);
            default -> throw new ConnectException("An unknown frame: " + frame.type());
        }
    }

    private static <S> S expect(Session session, Class<S> type) {
        if (type.isInstance(session)) return type.cast(session);
        throw new ConnectException("There is no such " + type.getSimpleName());
    }

    private void take(int call, JsonNode request) throws Exception {
        String op = request.path("op").asText();
        int id = request.path("session").asInt();
        Session session = sessions.get(id);
        switch (op) {
            case "validate" -> frames.send(Frames.RESULT, call, validate(request));
            case "exactlyOnceSupport" -> {
                Connector connector = connector(request);
                frames.send(Frames.RESULT, call, inside(connector, () -> JsonNodeFactory.instance.textNode(
                    String.valueOf(((SourceConnector) connector).exactlyOnceSupport(config(request))))));
            }
            case "transactionBoundaries" -> {
                Connector connector = connector(request);
                frames.send(Frames.RESULT, call, inside(connector, () -> JsonNodeFactory.instance.textNode(
                    String.valueOf(((SourceConnector) connector).canDefineTransactionBoundaries(config(request))))));
            }
            case "alterOffsets" -> {
                Connector connector = connector(request);
                frames.send(Frames.RESULT, call, inside(connector, () -> JsonNodeFactory.instance.booleanNode(alterOffsets(connector, request))));
            }
            case "connector.start" -> {
                ConnectorSession made = new ConnectorSession(frames, id, connector(request));
                sessions.put(id, made);
                made.start(call, config(request));
            }
            case "connector.taskConfigs" -> expect(session, ConnectorSession.class).taskConfigs(call, request.path("most").asInt());
            case "connector.stop" -> expect(remove(id), ConnectorSession.class).stop(call);
            case "source.start" -> {
                SourceSession made = new SourceSession(frames, id, task(request, SourceTask.class));
                sessions.put(id, made);
                made.start(call, config(request), request.path("transactions").asBoolean());
            }
            case "source.commit" -> expect(session, SourceSession.class).commit(call);
            case "source.stop" -> expect(remove(id), SourceSession.class).stop(call);
            case "sink.start" -> {
                SinkSession made = new SinkSession(frames, id, task(request, SinkTask.class));
                sessions.put(id, made);
                made.start(call, config(request), request.path("assignment"), request.path("reports").asBoolean());
            }
            case "sink.open" -> expect(session, SinkSession.class).open(call, request.path("partitions"));
            case "sink.preCommit" -> expect(session, SinkSession.class).preCommit(call, request.path("positions"));
            case "sink.close" -> expect(session, SinkSession.class).closePartitions(call, request.path("partitions"));
            case "sink.stop" -> expect(remove(id), SinkSession.class).stop(call);
            case "converter.start" -> {
                Converter converter = plugin(request, Converter.class);
                keep(id, new ConverterSession(frames, id, converter))
                    .configure(call, () -> converter.configure(config(request), request.path("isKey").asBoolean()));
            }
            case "headerConverter.start" -> {
                HeaderConverter converter = plugin(request, HeaderConverter.class);
                Map<String, String> settings = config(request);
                settings.put("converter.type", "header");
                keep(id, new HeaderConverterSession(frames, id, converter)).configure(call, () -> converter.configure(settings));
            }
            case "transformation.start" -> {
                Transformation<?> transformation = plugin(request, Transformation.class);
                keep(id, TransformationSession.of(frames, id, transformation)).configure(call, () -> transformation.configure(config(request)));
            }
            case "predicate.start" -> {
                Predicate<?> predicate = plugin(request, Predicate.class);
                keep(id, TransformationSession.of(frames, id, predicate)).configure(call, () -> predicate.configure(config(request)));
            }
            case "recordPlugin.stop" -> expect(remove(id), RecordPlugin.class).stop(call);
            default -> throw new ConnectException("An unknown call: " + op);
        }
    }

    private <S extends Session> S keep(int id, S session) {
        sessions.put(id, session);
        return session;
    }

    private <T> T plugin(JsonNode request, Class<T> type) {
        return folders.create(text(request, "location"), text(request, "class"), type);
    }

    private Session remove(int id) {
        return sessions.remove(id);
    }

    private static <T> T inside(Object plugin, java.util.concurrent.Callable<T> work) {
        return Scoped.within(plugin.getClass().getClassLoader(), work);
    }

    private static String text(JsonNode request, String field) {
        JsonNode value = request.get(field);
        return value == null || value.isNull() ? null : value.asText();
    }

    private static Map<String, String> config(JsonNode request) {
        return SourceSession.settings(request.path("config"));
    }

    private Connector connector(JsonNode request) {
        return folders.create(text(request, "location"), text(request, "class"), Connector.class);
    }

    /** The task class as the connector has named it when it dealt out its tasks, else as it names it now. */
    private <T extends Task> T task(JsonNode request, Class<T> type) {
        String location = text(request, "location");
        String className = text(request, "taskClass");
        if (className == null) {
            Connector connector = connector(request);
            className = inside(connector, () -> connector.taskClass().getName());
        }
        return folders.create(location, className, type);
    }

    private JsonNode validate(JsonNode request) {
        Connector connector = connector(request);
        return inside(connector, () -> {
            Config validated = connector.validate(config(request));
            if (validated == null) throw new ConnectException(connector.getClass().getName() + ".validate() must not answer null");
            ObjectNode answer = JsonNodeFactory.instance.objectNode();
            ArrayNode values = answer.putArray("values");
            for (ConfigValue value : validated.configValues()) {
                ObjectNode one = values.addObject();
                one.put("name", value.name());
                one.put("visible", value.visible());
                ArrayNode recommended = one.putArray("recommendedValues");
                value.recommendedValues().forEach(item -> recommended.add(item == null ? null : String.valueOf(item)));
                ArrayNode errors = one.putArray("errors");
                value.errorMessages().forEach(errors::add);
            }
            answer.set("configDef", ConfigDefs.write(connector.config()));
            return answer;
        });
    }

    private static boolean alterOffsets(Connector connector, JsonNode request) {
        Map<String, String> config = config(request);
        if (connector instanceof SinkConnector sink) {
            Map<TopicPartition, Long> offsets = new HashMap<>();
            for (JsonNode one : request.path("offsets")) {
                JsonNode offset = one.path("offset");
                offsets.put(new TopicPartition(one.path("topic").asText(), one.path("partition").asInt()),
                    offset.isNull() ? null : Long.valueOf(offset.asText()));
            }
            return sink.alterOffsets(config, offsets);
        }
        Map<Map<String, ?>, Map<String, ?>> offsets = new HashMap<>();
        for (JsonNode one : request.path("offsets")) {
            offsets.put(OffsetText.read(text(one, "partition")), OffsetText.read(text(one, "offset")));
        }
        return ((SourceConnector) connector).alterOffsets(config, offsets);
    }
}
