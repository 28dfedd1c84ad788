package drover.host;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.storage.OffsetStorageReader;

/** Asks the other side, which has the table. */
final class OffsetReader implements OffsetStorageReader {
    private final Frames frames;
    private final int session;

    OffsetReader(Frames frames, int session) {
        this.frames = frames;
        this.session = session;
    }

    @Override
    public <T> Map<String, Object> offset(Map<String, T> partition) {
        return offsets(List.of(partition)).get(partition);
    }

    @Override
    public <T> Map<Map<String, T>, Map<String, Object>> offsets(Collection<Map<String, T>> partitions) {
        List<Map<String, T>> asked = new ArrayList<>(partitions);
        ObjectNode question = Json.object();
        ArrayNode texts = question.putArray("partitions");
        for (Map<String, T> partition : asked) texts.add(new String(OffsetText.write(partition), StandardCharsets.UTF_8));
        JsonNode answer;
        try {
            answer = frames.ask("offsets", session, question).get();
        } catch (InterruptedException | ExecutionException error) {
            if (error instanceof InterruptedException) Thread.currentThread().interrupt();
            throw new ConnectException("The stored offsets could not be read", error);
        }
        Map<Map<String, T>, Map<String, Object>> found = new HashMap<>();
        for (int i = 0; i < asked.size(); i++) {
            JsonNode text = answer.get(i);
            Map<String, Object> offset = text == null || text.isNull() ? null : OffsetText.read(text.asText());
            // A record that has no offset leaves an empty one.
            if (offset != null && !offset.isEmpty()) found.put(asked.get(i), offset);
        }
        return found;
    }
}
