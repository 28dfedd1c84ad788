import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.function.IntUnaryOperator;
import org.apache.kafka.connect.converters.ByteArrayConverter;
import org.apache.kafka.connect.converters.LongConverter;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Timestamp;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.storage.Converter;
import org.apache.kafka.connect.storage.SimpleHeaderConverter;
import org.apache.kafka.connect.storage.StringConverter;

/** The workloads of converter-workloads.ts on Java Connect's own converters; one JSON line each. */
public class ConverterBench {
    static final int DISTINCT = 1000;
    /** On a busy machine time alone would not let the compilers finish. */
    static final long WARM_UP_RECORDS = 500_000;

    static final Schema ORDER = SchemaBuilder.struct().name("bench.Order")
        .field("id", Schema.INT64_SCHEMA)
        .field("customer", Schema.STRING_SCHEMA)
        .field("email", Schema.OPTIONAL_STRING_SCHEMA)
        .field("quantity", Schema.INT32_SCHEMA)
        .field("amount", Schema.FLOAT64_SCHEMA)
        .field("paid", Schema.BOOLEAN_SCHEMA)
        .field("created", Timestamp.SCHEMA)
        .field("tags", SchemaBuilder.array(Schema.STRING_SCHEMA).build())
        .build();

    static List<String> tags(int i) {
        return i % 2 == 0 ? List.of("new", "web") : List.of("returning");
    }

    static Struct order(int i) {
        return new Struct(ORDER)
            .put("id", 10_000_000_000L + i)
            .put("customer", "Customer number " + i)
            .put("email", i % 3 == 0 ? null : "customer" + i + "@example.com")
            .put("quantity", i % 97)
            .put("amount", (i * 37) / 100.0)
            .put("paid", i % 2 == 0)
            .put("created", new Date(1_700_000_000_000L + i * 1000L))
            .put("tags", tags(i));
    }

    static Map<String, Object> orderMap(int i) {
        Map<String, Object> m = new LinkedHashMap<>();
        m.put("id", 10_000_000_000L + i);
        m.put("customer", "Customer number " + i);
        m.put("email", i % 3 == 0 ? null : "customer" + i + "@example.com");
        m.put("quantity", i % 97);
        m.put("amount", (i * 37) / 100.0);
        m.put("paid", i % 2 == 0);
        m.put("created", 1_700_000_000_000L + i * 1000L);
        m.put("tags", tags(i));
        return m;
    }

    static Converter configured(Converter converter, Map<String, String> settings) {
        converter.configure(settings, false);
        return converter;
    }

    static void both(String name, Converter converter, Schema schema, IntFunction<Object> make, long ms) {
        List<Object> values = new ArrayList<>();
        List<byte[]> bytes = new ArrayList<>();
        for (int i = 0; i < DISTINCT; i++) {
            values.add(make.apply(i));
            bytes.add(converter.fromConnectData("t", schema, values.get(i)));
        }
        race(name + " write", i -> converter.fromConnectData("t", schema, values.get(i)).length, ms);
        race(name + " read", i -> converter.toConnectData("t", bytes.get(i)).value() == null ? 0 : bytes.get(i).length, ms);
    }

    static long processCpuNanos() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    static void race(String name, IntUnaryOperator step, long ms) {
        run(step, ms, WARM_UP_RECORDS);
        long cpu = processCpuNanos(), start = System.nanoTime();
        long records = run(step, ms, 0);
        double seconds = (System.nanoTime() - start) / 1e9;
        double cpuMicros = (processCpuNanos() - cpu) / 1e3 / records;
        System.out.printf(java.util.Locale.ROOT, "{\"name\":\"%s\",\"recordsPerSecond\":%.0f,\"cpuMicros\":%.4f}%n",
            name, records / seconds, cpuMicros);
    }

    static long sink;

    static long run(IntUnaryOperator step, long ms, long atLeast) {
        long end = System.nanoTime() + ms * 1_000_000, records = 0;
        while (System.nanoTime() < end || records < atLeast) {
            for (int i = 0; i < DISTINCT; i++) sink += step.applyAsInt(i);
            records += DISTINCT;
        }
        return records;
    }

    public static void main(String[] args) {
        long ms = Long.parseLong(args[0]);
        both("JsonConverter with schemas", configured(new JsonConverter(), Map.of()), ORDER, i -> order(i), ms);
        both("JsonConverter schemaless", configured(new JsonConverter(), Map.of("schemas.enable", "false")), null, i -> orderMap(i), ms);
        both("StringConverter", configured(new StringConverter(), Map.of()), Schema.STRING_SCHEMA,
            i -> "line number " + i + " of a file that somebody follows", ms);
        both("ByteArrayConverter", configured(new ByteArrayConverter(), Map.of()), null,
            i -> ("line number " + i).getBytes(StandardCharsets.UTF_8), ms);
        both("LongConverter", configured(new LongConverter(), Map.of()), Schema.INT64_SCHEMA, i -> i * 1_000_003L, ms);

        SimpleHeaderConverter headers = new SimpleHeaderConverter();
        headers.configure(Map.of());
        List<String> texts = new ArrayList<>();
        List<byte[]> bytes = new ArrayList<>();
        for (int i = 0; i < DISTINCT; i++) {
            texts.add(i % 4 == 0 ? "trace-" + i + "-abcdef" : i % 4 == 1 ? String.valueOf(i * 1000) : i % 4 == 2 ? "true" : "2024-05-06");
            bytes.add(texts.get(i).getBytes(StandardCharsets.UTF_8));
        }
        race("SimpleHeaderConverter write", i -> headers.fromConnectHeader("t", "h", Schema.STRING_SCHEMA, texts.get(i)).length, ms);
        race("SimpleHeaderConverter read", i -> headers.toConnectHeader("t", "h", bytes.get(i)).value() == null ? 0 : 1, ms);
    }
}
