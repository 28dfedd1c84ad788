package drover.host;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
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

/** The counterpart of DataWriter. */
final class DataReader {
    private static final Schema.Type[] TYPES = Schema.Type.values();

    private final List<Schema> schemas = new ArrayList<>();

    Schema schema(In in) {
        int reference = in.uint();
        if (reference == 0) return null;
        if (reference >= 3) return schemas.get(reference - 3);
        if (reference == 2) schemas.clear();
        Schema.Type type = TYPES[in.byteOf()];
        int flags = in.byteOf();
        String name = in.textOrNull();
        String doc = in.textOrNull();
        Integer version = (flags & 2) != 0 ? in.int32() : null;
        Map<String, String> parameters = (flags & 4) != 0 ? parameters(in) : null;
        Schema key = null;
        Schema value = null;
        List<Field> fields = null;
        switch (type) {
            case ARRAY -> value = schema(in);
            case MAP -> {
                key = schema(in);
                value = schema(in);
            }
            case STRUCT -> {
                int count = in.uint();
                fields = new ArrayList<>(count);
                for (int index = 0; index < count; index++) fields.add(new Field(in.text(), index, schema(in)));
            }
            default -> { }
        }
        Object defaultValue = (flags & 8) != 0 ? free(in) : null;
        Schema made = new ConnectSchema(type, (flags & 1) != 0, defaultValue, name, version, doc, parameters, fields, key, value);
        schemas.add(made);
        return made;
    }

    private static Map<String, String> parameters(In in) {
        Map<String, String> parameters = new LinkedHashMap<>();
        for (int left = in.uint(); left > 0; left--) parameters.put(in.text(), in.text());
        return parameters;
    }

    Object value(In in, Schema schema) {
        if (schema == null) return free(in);
        return switch (in.byteOf()) {
            case 0 -> null;
            case 1 -> fitting(in, schema);
            default -> free(in);
        };
    }

    private Object fitting(In in, Schema schema) {
        if (schema.name() != null) {
            switch (schema.name()) {
                case Decimal.LOGICAL_NAME:
                    return decimal(in);
                case Date.LOGICAL_NAME, Time.LOGICAL_NAME, Timestamp.LOGICAL_NAME:
                    return new java.util.Date(in.int64());
                default:
            }
        }
        return switch (schema.type()) {
            case INT8 -> (byte) in.byteOf();
            case INT16 -> (short) in.int16();
            case INT32 -> in.int32();
            case INT64 -> in.int64();
            case FLOAT32 -> Float.intBitsToFloat(in.int32());
            case FLOAT64 -> Double.longBitsToDouble(in.int64());
            case BOOLEAN -> in.byteOf() != 0;
            case STRING -> in.text();
            case BYTES -> in.bytes();
            case ARRAY -> {
                int count = in.uint();
                List<Object> list = new ArrayList<>(count);
                for (int i = 0; i < count; i++) list.add(value(in, schema.valueSchema()));
                yield list;
            }
            case MAP -> {
                int count = in.uint();
                Map<Object, Object> map = new LinkedHashMap<>(count * 2);
                for (int i = 0; i < count; i++) {
                    Object key = value(in, schema.keySchema());
                    map.put(key, value(in, schema.valueSchema()));
                }
                yield map;
            }
            case STRUCT -> struct(in, schema);
        };
    }

    private Struct struct(In in, Schema schema) {
        Struct struct = new Struct(schema);
        for (Field field : schema.fields()) {
            Object value = value(in, field.schema());
            if (value != null) struct.put(field, value);
        }
        return struct;
    }

    private static BigDecimal decimal(In in) {
        int scale = in.int32();
        return new BigDecimal(new BigInteger(in.bytes()), scale);
    }

    private Object free(In in) {
        int tag = in.byteOf();
        return switch (tag) {
            case 0 -> null;
            case 1 -> (byte) in.byteOf();
            case 2 -> (short) in.int16();
            case 3 -> in.int32();
            case 4 -> in.int64();
            case 5 -> Float.intBitsToFloat(in.int32());
            case 6 -> Double.longBitsToDouble(in.int64());
            case 7 -> in.byteOf() != 0;
            case 8 -> in.text();
            case 9 -> in.bytes();
            case 10 -> {
                int count = in.uint();
                List<Object> list = new ArrayList<>(count);
                for (int i = 0; i < count; i++) list.add(free(in));
                yield list;
            }
            case 11 -> {
                int count = in.uint();
                Map<Object, Object> map = new LinkedHashMap<>(count * 2);
                for (int i = 0; i < count; i++) {
                    Object key = free(in);
                    map.put(key, free(in));
                }
                yield map;
            }
            case 12 -> struct(in, schema(in));
            case 13 -> decimal(in);
            case 14 -> new java.util.Date(in.int64());
            case 15 -> new BigInteger(in.bytes());
            default -> throw new IllegalStateException("An unknown kind of value: " + tag);
        };
    }
}
