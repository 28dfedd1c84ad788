import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Date;
import java.util.HashMap;
import java.util.Map;
import java.util.function.ToIntFunction;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Timestamp;
import org.apache.kafka.connect.header.ConnectHeaders;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.transforms.Transformation;
import org.apache.kafka.connect.transforms.predicates.Predicate;

/** The workloads of transforms.ts on Java Connect's own classes: name, data and settings a line in, rates out. */
@SuppressWarnings("unchecked")
public class TransformBench {
    static final int DISTINCT = 1000;
    static final Schema ADDRESS = SchemaBuilder.struct()
        .field("city", Schema.STRING_SCHEMA).field("zip", Schema.OPTIONAL_STRING_SCHEMA).build();
    static final Schema ORDER = SchemaBuilder.struct().name("bench.Order")
        .field("id", Schema.INT64_SCHEMA).field("customer", Schema.STRING_SCHEMA).field("quantity", Schema.INT32_SCHEMA)
        .field("amount", Schema.FLOAT64_SCHEMA).field("created", Timestamp.SCHEMA).field("address", ADDRESS).build();
    static long sink;

    static SourceRecord record(int i, boolean struct) {
        long created = 1_700_000_000_000L + i * 1000L;
        Object value;
        if (struct) {
            value = new Struct(ORDER).put("id", 10_000_000_000L + i).put("customer", "Customer number " + i)
                .put("quantity", i % 97).put("amount", (i * 37) / 100.0).put("created", new Date(created))
                .put("address", new Struct(ADDRESS).put("city", "Ulm").put("zip", "89073"));
        } else {
            Map<String, Object> map = new HashMap<>();
            map.put("id", 10_000_000_000L + i);
            map.put("customer", "Customer number " + i);
            map.put("quantity", i % 97);
            map.put("amount", (i * 37) / 100.0);
            map.put("created", created);
            map.put("address", new HashMap<>(Map.of("city", "Ulm", "zip", "89073")));
            value = map;
        }
        ConnectHeaders headers = new ConnectHeaders();
        headers.addString("trace", "a1b2");
        return new SourceRecord(Map.of(), Map.of(), "orders-eu", 0, null, null, struct ? ORDER : null, value, created, headers);
    }

    static long run(SourceRecord[] records, ToIntFunction<SourceRecord> step, long ms) {
        long end = System.nanoTime() + ms * 1_000_000, done = 0;
        while (System.nanoTime() < end) {
            for (SourceRecord record : records) sink += step.applyAsInt(record);
            done += DISTINCT;
        }
        return done;
    }

    public static void main(String[] args) throws Exception {
        long ms = Long.parseLong(args[0]);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] parts = line.split("\t");
            Map<String, String> settings = new HashMap<>();
            for (int i = 2; i < parts.length; i++) {
                int at = parts[i].indexOf('=');
                settings.put(parts[i].substring(0, at), parts[i].substring(at + 1));
            }
            SourceRecord[] records = new SourceRecord[DISTINCT];
            for (int i = 0; i < DISTINCT; i++) records[i] = record(i, parts[1].equals("struct"));
            Object stage = Class.forName("org.apache.kafka.connect.transforms." + parts[0]).getDeclaredConstructor().newInstance();
            ToIntFunction<SourceRecord> step;
            if (stage instanceof Predicate) {
                Predicate<SourceRecord> predicate = (Predicate<SourceRecord>) stage;
                predicate.configure(settings);
                step = record -> predicate.test(record) ? 1 : 0;
            } else {
                Transformation<SourceRecord> transformation = (Transformation<SourceRecord>) stage;
                transformation.configure(settings);
                step = record -> transformation.apply(record) == null ? 0 : 1;
            }
            run(records, step, ms);
            long start = System.nanoTime();
            long done = run(records, step, ms);
            System.out.printf(java.util.Locale.ROOT, "%s\t%s\t%.0f%n", parts[0], parts[1], done / ((System.nanoTime() - start) / 1e9));
        }
    }
}
