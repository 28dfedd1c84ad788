package drover.host;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.storage.OffsetUtils;

/**
 * Source partitions and offsets as the bytes that a worker writes to its offsets topic, by the same converter. An empty
 * map stands for null where a record has none.
 */
final class OffsetText {
    private static final JsonConverter CONVERTER = new JsonConverter(false);

    static {
        CONVERTER.configure(Map.of("schemas.enable", "false"), false);
    }

    private OffsetText() {}

    /** Throws DataException for what is no flat map of plain values. */
    static byte[] write(Map<String, ?> map) {
        if (map == null) return new byte[] {'{', '}'};
        byte[] plain = plain(map);
        if (plain != null) return plain;
        OffsetUtils.validateFormat(map);
        return CONVERTER.fromConnectData("", null, map);
    }

    /** What nearly every offset is, one entry with an integer, without the detour by a tree. */
    private static byte[] plain(Map<String, ?> map) {
        if (map.size() != 1) return null;
        Map.Entry<String, ?> entry = map.entrySet().iterator().next();
        if (entry.getKey() == null || !isPlain(entry.getKey())) return null;
        Object value = entry.getValue();
        if (!(value instanceof Long || value instanceof Integer)) return null;
        return ("{\"" + entry.getKey() + "\":" + value + "}").getBytes(StandardCharsets.ISO_8859_1);
    }

    private static boolean isPlain(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < ' ' || c > '~' || c == '"' || c == '\\') return false;
        }
        return true;
    }

    @SuppressWarnings("unchecked")
    static Map<String, Object> read(String text) {
        if (text == null) return null;
        Object value = CONVERTER.toConnectData("", text.getBytes(StandardCharsets.UTF_8)).value();
        return value == null ? null : new HashMap<>((Map<String, Object>) value);
    }
}
