package drover.host;

import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.storage.Converter;

/** A converter of keys or values. */
final class ConverterSession extends RecordPlugin implements Conversion {
    private static final int NULL = 0;
    private static final int BYTES = 1;
    private static final int NULL_AND_HEADERS = 3;
    private static final int BYTES_AND_HEADERS = 4;

    private final Converter converter;

    ConverterSession(Frames frames, int id, Converter converter) {
        super(frames, id, converter);
        this.converter = converter;
    }

    @Override
    public void fromConnect(int call, In in) {
        Texts topics = new Texts();
        forEach(call, Frames.CONVERTED, in, () -> {
            String topic = topics.read(in);
            Headers headers = headers(in);
            Schema schema = reader.schema(in);
            Object value = reader.value(in, schema);
            return out -> {
                Headers given = new RecordHeaders(headers);
                byte[] bytes = converter.fromConnectData(topic, headers, schema, value);
                boolean same = headers.equals(given);
                if (bytes == null) out.byteOf(same ? NULL : NULL_AND_HEADERS);
                else out.byteOf(same ? BYTES : BYTES_AND_HEADERS).bytes(bytes);
                if (!same) write(out, headers);
            };
        });
    }

    @Override
    public void toConnect(int call, In in) {
        Texts topics = new Texts();
        forEach(call, Frames.CONVERTED, in, () -> {
            String topic = topics.read(in);
            Headers headers = headers(in);
            byte[] bytes = in.bytesOrNull();
            return out -> {
                SchemaAndValue data = converter.toConnectData(topic, headers, bytes);
                if (data == null) data = SchemaAndValue.NULL;
                out.byteOf(BYTES);
                writer.schema(out, data.schema());
                writer.value(out, data.schema(), data.value());
            };
        });
    }

    private static Headers headers(In in) {
        RecordHeaders headers = new RecordHeaders();
        for (int left = in.uint(); left > 0; left--) headers.add(in.text(), in.bytesOrNull());
        return headers;
    }

    private static void write(Out out, Headers headers) {
        var all = headers.toArray();
        out.uint(all.length);
        for (var header : all) out.text(header.key()).bytesOrNull(header.value());
    }
}
