package drover.host;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** Frames over the socket: u32 length of what follows, u8 type, u32 id, payload. */
final class Frames {
    static final int CALL = 1;
    static final int POLL = 2;
    static final int DELIVERED = 3;
    static final int PUT = 4;
    static final int FROM_CONNECT = 5;
    static final int TO_CONNECT = 6;
    static final int ANSWER = 7;
    static final int REFUSAL = 8;
    static final int APPLY = 9;
    static final int AHEAD = 10;
    static final int GO = 11;
    static final int RESULT = 16;
    static final int ERROR = 17;
    static final int BATCH = 18;
    static final int CONVERTED = 19;
    static final int ASK = 20;
    static final int EVENT = 21;
    static final int APPLIED = 22;
    static final int HEAD = 9;

    record Frame(int type, int id, byte[] payload) {}

    static final byte[] NULL = bytesOf("null");
    static final byte[] TRUE = bytesOf("true");

    private final SocketChannel channel;
    /** What has come and is not taken yet; several small frames come at a time. */
    private final ByteBuffer read = ByteBuffer.allocateDirect(64 << 10).flip();
    private final Object writing = new Object();
    private final AtomicInteger questions = new AtomicInteger();
    private final Map<Integer, CompletableFuture<JsonNode>> open = new ConcurrentHashMap<>();

    Frames(SocketChannel channel) {
        this.channel = channel;
    }

    /** By one thread at a time. */
    Frame read() throws IOException {
        while (read.remaining() < HEAD) more();
        int length = read.getInt();
        int type = read.get() & 0xff;
        int id = read.getInt();
        byte[] payload = new byte[length - 5];
        int there = Math.min(read.remaining(), payload.length);
        read.get(payload, 0, there);
        ByteBuffer rest = ByteBuffer.wrap(payload, there, payload.length - there);
        while (rest.hasRemaining()) {
            if (rest.remaining() < read.capacity()) {
                more();
                int next = Math.min(read.remaining(), rest.remaining());
                read.get(payload, rest.position(), next);
                rest.position(rest.position() + next);
            } else if (channel.read(rest) < 0) throw new EOFException();
        }
        return new Frame(type, id, payload);
    }

    private void more() throws IOException {
        read.compact();
        int count = channel.read(read);
        read.flip();
        if (count < 0) throw new EOFException();
    }

    /** With room for the head of the frame. */
    static Out begin(int expected) {
        return new Out(expected + HEAD).int32(0).byteOf(0).int32(0);
    }

    void send(int type, int id, Out frame) {
        frame.int32At(0, frame.size() - 4);
        frame.array()[4] = (byte) type;
        frame.int32At(5, id);
        ByteBuffer buffer = ByteBuffer.wrap(frame.array(), 0, frame.size());
        synchronized (writing) {
            try {
                while (buffer.hasRemaining()) channel.write(buffer);
            } catch (IOException gone) {
                // Nobody is there to work for.
                Runtime.getRuntime().halt(0);
            }
        }
    }

    private static byte[] bytesOf(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    void send(int type, int id, byte[] payload) {
        send(type, id, begin(payload.length).raw(payload));
    }

    void send(int type, int id, JsonNode payload) {
        send(type, id, Json.write(payload));
    }

    void event(String name, int session, ObjectNode facts) {
        facts.put("event", name);
        facts.put("session", session);
        send(EVENT, 0, facts);
    }

    /** Something that only the other side knows. */
    CompletableFuture<JsonNode> ask(String question, int session, ObjectNode facts) {
        int id = questions.incrementAndGet();
        CompletableFuture<JsonNode> answer = new CompletableFuture<>();
        open.put(id, answer);
        facts.put("ask", question);
        facts.put("session", session);
        send(ASK, id, facts);
        return answer;
    }

    void answered(Frame frame) {
        CompletableFuture<JsonNode> answer = open.remove(frame.id());
        if (answer == null) return;
        JsonNode payload = Json.read(frame.payload());
        if (frame.type() == ANSWER) answer.complete(payload);
        else answer.completeExceptionally(new org.apache.kafka.connect.errors.ConnectException(payload.path("message").asText()));
    }
}
