package drover.host;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.ConnectSchema;
import org.apache.kafka.connect.data.Date;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Time;
import org.apache.kafka.connect.data.Timestamp;
import org.apache.kafka.connect.errors.DataException;

/**
 * Connect's schemas and values as bytes. A schema is written out once and named by its number from then on, for as long
 * as this writer lives. The format is told in docs/java-host-protocol.md.
 */
final class DataWriter {
    private static final int MOST_SCHEMAS = 2000;

    private final Map<Schema, Integer> numbers = new HashMap<>();
    private final IdentityHashMap<Schema, Integer> known = new IdentityHashMap<>();

    private boolean starts = true;

    /** After a frame that was never sent: what it has defined is unknown to the reader. */
    void forget() {
        numbers.clear();
        known.clear();
        starts = true;
    }

    void schema(Out out, Schema schema) {
        if (schema == null) {
            out.uint(0);
            return;
        }
        Integer number = known.get(schema);
        if (number == null) {
            Schema plain = schema instanceof ConnectSchema ? schema : schema.schema();
            number = numbers.get(plain);
            if (number == null) {
                define(out, plain);
                return;
            }
            if (schema == plain && known.size() < MOST_SCHEMAS) known.put(schema, number);
        }
        out.uint(number + 3);
    }

    private void define(Out out, Schema schema) {
        if (numbers.size() >= MOST_SCHEMAS) forget();
        boolean full = starts;
        starts = false;
        out.uint(full ? 2 : 1);
        out.byteOf(schema.type().ordinal());
        out.byteOf((schema.isOptional() ? 1 : 0) | (schema.version() != null ? 2 : 0) | (schema.parameters() != null ? 4 : 0)
            | (schema.defaultValue() != null ? 8 : 0));
        out.textOrNull(schema.name());
        out.textOrNull(schema.doc());
        if (schema.version() != null) out.int32(schema.version());
        if (schema.parameters() != null) {
            out.uint(schema.parameters().size());
            schema.parameters().forEach((key, value) -> out.text(key).text(value));
        }
        switch (schema.type()) {
            case ARRAY -> schema(out, schema.valueSchema());
            case MAP -> {
                schema(out, schema.keySchema());
                schema(out, schema.valueSchema());
            }
            case STRUCT -> {
                out.uint(schema.fields().size());
                for (Field field : schema.fields()) {
                    out.text(field.name());
                    schema(out, field.schema());
                }
            }
            default -> { }
        }
        if (schema.defaultValue() != null) free(out, schema.defaultValue());
        int number = numbers.size();
        numbers.put(schema, number);
        known.put(schema, number);
    }

    /** A value beside its schema; beside none it says itself what it is. */
    void value(Out out, Schema schema, Object value) {
        if (schema == null) {
            free(out, value);
        } else if (value == null) {
            out.byteOf(0);
        } else if (fits(schema, value)) {
            out.byteOf(1);
            fitting(out, schema, value);
        } else {
            // What does not fit is for the converter or transformation to refuse, as it would in Java.
            out.byteOf(2);
            free(out, value);
        }
    }

    private static boolean fits(Schema schema, Object value) {
        if (schema.name() != null) {
            switch (schema.name()) {
                case Decimal.LOGICAL_NAME:
                    return value instanceof BigDecimal;
                case Date.LOGICAL_NAME, Time.LOGICAL_NAME, Timestamp.LOGICAL_NAME:
                    return value instanceof java.util.Date;
                default:
            }
        }
        return switch (schema.type()) {
            case INT8 -> value instanceof Byte;
            case INT16 -> value instanceof Short;
            case INT32 -> value instanceof Integer;
            case INT64 -> value instanceof Long;
            case FLOAT32 -> value instanceof Float;
            case FLOAT64 -> value instanceof Double;
            case BOOLEAN -> value instanceof Boolean;
            // JsonConverter and StringConverter of a worker take them too: Avro's Utf8, for example.
            case STRING -> value instanceof CharSequence;
            case BYTES -> value instanceof byte[] || value instanceof ByteBuffer;
            case ARRAY -> value instanceof List;
            case MAP -> value instanceof Map;
            case STRUCT -> value instanceof Struct struct && (struct.schema() == schema || struct.schema().equals(schema));
        };
    }

    private void fitting(Out out, Schema schema, Object value) {
        if (value instanceof BigDecimal decimal) {
            decimal(out, decimal);
        } else if (value instanceof java.util.Date date) {
            out.int64(date.getTime());
        } else {
            switch (schema.type()) {
                case INT8 -> out.byteOf((Byte) value);
                case INT16 -> out.int16((Short) value);
                case INT32 -> out.int32((Integer) value);
                case INT64 -> out.int64((Long) value);
                case FLOAT32 -> out.int32(Float.floatToRawIntBits((Float) value));
                case FLOAT64 -> out.int64(Double.doubleToRawLongBits((Double) value));
                case BOOLEAN -> out.byteOf((Boolean) value ? 1 : 0);
                case STRING -> out.text(value.toString());
                case BYTES -> out.bytes(bytesOf(value));
                case ARRAY -> {
                    List<?> list = (List<?>) value;
                    out.uint(list.size());
                    for (Object item : list) value(out, schema.valueSchema(), item);
                }
                case MAP -> {
                    Map<?, ?> map = (Map<?, ?>) value;
                    out.uint(map.size());
                    map.forEach((key, item) -> {
                        value(out, schema.keySchema(), key);
                        value(out, schema.valueSchema(), item);
                    });
                }
                case STRUCT -> fields(out, (Struct) value);
            }
        }
    }

    private void fields(Out out, Struct struct) {
        for (Field field : struct.schema().fields()) value(out, field.schema(), struct.getWithoutDefault(field.name()));
    }

    private static void decimal(Out out, BigDecimal decimal) {
        out.int32(decimal.scale()).bytes(decimal.unscaledValue().toByteArray());
    }

    private static byte[] bytesOf(Object value) {
        if (value instanceof byte[] bytes) return bytes;
        ByteBuffer buffer = ((ByteBuffer) value).duplicate();
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        return bytes;
    }

    private void free(Out out, Object value) {
        if (value == null) out.byteOf(0);
        else if (value instanceof Byte number) out.byteOf(1).byteOf(number);
        else if (value instanceof Short number) out.byteOf(2).int16(number);
        else if (value instanceof Integer number) out.byteOf(3).int32(number);
        else if (value instanceof Long number) out.byteOf(4).int64(number);
        else if (value instanceof Float number) out.byteOf(5).int32(Float.floatToRawIntBits(number));
        else if (value instanceof Double number) out.byteOf(6).int64(Double.doubleToRawLongBits(number));
        else if (value instanceof Boolean yes) out.byteOf(7).byteOf(yes ? 1 : 0);
        else if (value instanceof CharSequence text) out.byteOf(8).text(text.toString());
        else if (value instanceof byte[] || value instanceof ByteBuffer) out.byteOf(9).bytes(bytesOf(value));
        else if (value instanceof Collection<?> list) {
            out.byteOf(10).uint(list.size());
            for (Object item : list) free(out, item);
        } else if (value instanceof Map<?, ?> map) {
            out.byteOf(11).uint(map.size());
            map.forEach((key, item) -> {
                free(out, key);
                free(out, item);
            });
        } else if (value instanceof Struct struct) {
            out.byteOf(12);
            schema(out, struct.schema());
            fields(out, struct);
        } else if (value instanceof BigDecimal number) {
            out.byteOf(13);
            decimal(out, number);
        } else if (value instanceof java.util.Date date) out.byteOf(14).int64(date.getTime());
        else if (value instanceof BigInteger number) out.byteOf(15).bytes(number.toByteArray());
        else throw new DataException("Connect has no type for a value of the class " + value.getClass().getName());
    }
}
