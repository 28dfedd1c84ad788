package drover.host;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
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
    /** Made when something comes that is not flat: it takes its time. */
    private static final class Full {
        private static final JsonConverter CONVERTER = new JsonConverter(false);

        static {
            CONVERTER.configure(Map.of("schemas.enable", "false"), false);
        }
    }

    private OffsetText() {}

    /** Throws DataException for what is no flat map of plain values. */
    static byte[] write(Map<String, ?> map) {
        if (map == null) return new byte[] {'{', '}'};
        byte[] plain = plain(map);
        if (plain != null) return plain;
        ObjectNode flat = flat(map);
        if (flat != null) return Json.write(flat);
        OffsetUtils.validateFormat(map);
        return Full.CONVERTER.fromConnectData("", null, map);
    }

    /** What nearly every offset is, integers and simple texts, written at once. Null: this one is not. */
    private static byte[] plain(Map<?, ?> map) {
        StringBuilder text = new StringBuilder(64).append('{');
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            if (text.length() > 1) text.append(',');
            if (!(entry.getKey() instanceof String key) || !isPlain(key)) return null;
            text.append('"').append(key).append("\":");
            Object value = entry.getValue();
            if (value instanceof String own && isPlain(own)) text.append('"').append(own).append('"');
            else if (value == null || value instanceof Long || value instanceof Integer || value instanceof Boolean) text.append(value);
            else return null;
        }
        return text.append('}').toString().getBytes(StandardCharsets.ISO_8859_1);
    }

    /** Null: there are values that JSON has no type for. */
    private static ObjectNode flat(Map<?, ?> map) {
        ObjectNode flat = Json.object();
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            if (!(entry.getKey() instanceof String key)) return null;
            Object value = entry.getValue();
            if (value == null) flat.putNull(key);
            else if (value instanceof String text) flat.put(key, text);
            else if (value instanceof Long number) flat.put(key, number);
            else if (value instanceof Integer number) flat.put(key, number);
            else if (value instanceof Short number) flat.put(key, number);
            else if (value instanceof Byte number) flat.put(key, number);
            else if (value instanceof Double number) flat.put(key, number);
            else if (value instanceof Float number) flat.put(key, number);
            else if (value instanceof Boolean yes) flat.put(key, yes);
            else return null;
        }
        return flat;
    }

    private static boolean isPlain(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < ' ' || c > '~' || c == '"' || c == '\\') return false;
        }
        return true;
    }

    static Map<String, Object> read(String text) {
        if (text == null) return null;
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        Map<String, Object> flat = flat(bytes);
        return flat != null ? flat : full(bytes);
    }

    /** Null: there is more in it than single values. */
    private static Map<String, Object> flat(byte[] bytes) {
        if (!(Json.read(bytes) instanceof ObjectNode object)) return null;
        Map<String, Object> map = new HashMap<>();
        for (Map.Entry<String, JsonNode> field : object.properties()) {
            JsonNode value = field.getValue();
            if (value.isTextual()) map.put(field.getKey(), value.textValue());
            else if (value.isInt() || value.isLong()) map.put(field.getKey(), value.longValue());
            else if (value.isDouble()) map.put(field.getKey(), value.doubleValue());
            else if (value.isBoolean()) map.put(field.getKey(), value.booleanValue());
            else if (value.isNull()) map.put(field.getKey(), null);
            else return null;
        }
        return map;
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> full(byte[] bytes) {
        Object value = Full.CONVERTER.toConnectData("", bytes).value();
        return value == null ? null : new HashMap<>((Map<String, Object>) value);
    }
}
