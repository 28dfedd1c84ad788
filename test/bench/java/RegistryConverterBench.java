import io.apicurio.registry.utils.converter.avro.AvroData;
import java.io.ByteArrayOutputStream;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Date;
import java.util.HashMap;
import java.util.Map;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Timestamp;

/**
 * The records of registry-converters.ts through Java's Avro mapping and binary format: what a converter does per record
 * once its schema is known, without the registry client's cache look-ups. Prints CPU microseconds of the thread per
 * record, median of the last ten of forty rounds: write, then read.
 */
public class RegistryConverterBench {
  private static final int BATCH = 20_000;

  public static void main(String[] args) throws Exception {
    Schema address = SchemaBuilder.struct().name("com.example.Address")
        .field("street", Schema.STRING_SCHEMA).field("zip", Schema.OPTIONAL_STRING_SCHEMA).build();
    Schema schema = SchemaBuilder.struct().name("com.example.Order")
        .field("id", Schema.INT64_SCHEMA).field("customer", Schema.STRING_SCHEMA)
        .field("note", Schema.OPTIONAL_STRING_SCHEMA).field("quantity", Schema.INT32_SCHEMA)
        .field("price", Decimal.schema(2)).field("rate", Schema.FLOAT64_SCHEMA)
        .field("paid", Schema.BOOLEAN_SCHEMA).field("created", Timestamp.SCHEMA)
        .field("tags", SchemaBuilder.array(Schema.STRING_SCHEMA).build())
        .field("attributes", SchemaBuilder.map(Schema.STRING_SCHEMA, Schema.STRING_SCHEMA).build())
        .field("address", address).build();
    Struct[] records = new Struct[BATCH];
    for (int i = 0; i < BATCH; i++) {
      records[i] = new Struct(schema).put("id", i * 1_000_003L).put("customer", "customer-" + (i % 1000))
          .put("note", i % 3 == 0 ? null : "leave at the door").put("quantity", i % 100)
          .put("price", new BigDecimal(BigInteger.valueOf(1000 + (i % 90_000)), 2)).put("rate", i * 0.37)
          .put("paid", i % 2 == 0).put("created", new Date(1_700_000_000_000L + i))
          .put("tags", Arrays.asList("new", "gift")).put("attributes", new HashMap<>(Map.of("channel", "web")))
          .put("address", new Struct(address).put("street", "1 Main Street").put("zip", "12345"));
    }
    AvroData data = new AvroData(1000);
    org.apache.avro.Schema avro = data.fromConnectSchema(schema);
    GenericDatumWriter<Object> writer = new GenericDatumWriter<>(avro);
    GenericDatumReader<Object> reader = new GenericDatumReader<>(avro);
    byte[][] written = new byte[BATCH][];
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    double[] writes = new double[10];
    double[] reads = new double[10];
    for (int round = 0; round < 40; round++) {
      long start = threads.getCurrentThreadCpuTime();
      for (int i = 0; i < BATCH; i++) {
        Object value = data.fromConnectData(schema, records[i]);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(0);
        out.write(ByteBuffer.allocate(4).putInt(1).array());
        BinaryEncoder encoder = EncoderFactory.get().directBinaryEncoder(out, null);
        writer.write(value, encoder);
        encoder.flush();
        written[i] = out.toByteArray();
      }
      long middle = threads.getCurrentThreadCpuTime();
      for (int i = 0; i < BATCH; i++) {
        byte[] bytes = written[i];
        Object value = reader.read(null, DecoderFactory.get().binaryDecoder(bytes, 5, bytes.length - 5, null));
        if (data.toConnectData(avro, value).value() == null) {
          throw new AssertionError("nothing was read");
        }
      }
      long end = threads.getCurrentThreadCpuTime();
      if (round >= 30) {
        writes[round - 30] = (middle - start) / 1e3 / BATCH;
        reads[round - 30] = (end - middle) / 1e3 / BATCH;
      }
    }
    Arrays.sort(writes);
    Arrays.sort(reads);
    System.out.println(writes[5] + " " + reads[5]);
  }
}
