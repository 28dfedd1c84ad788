package drover.host;

import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.storage.HeaderConverter;

final class HeaderConverterSession extends RecordPlugin implements Conversion {
    private final HeaderConverter converter;

    HeaderConverterSession(Frames frames, int id, HeaderConverter converter) {
        super(frames, id, converter);
        this.converter = converter;
    }

    @Override
    public void fromConnect(int call, In in) {
        Texts topics = new Texts();
        forEach(call, Frames.CONVERTED, in, () -> {
            String topic = topics.read(in);
            String key = in.text();
            Schema schema = reader.schema(in);
            Object value = reader.value(in, schema);
            return out -> {
                byte[] bytes = converter.fromConnectHeader(topic, key, schema, value);
                out.bytesOrNull(bytes);
            };
        });
    }

    @Override
    public void toConnect(int call, In in) {
        Texts topics = new Texts();
        forEach(call, Frames.CONVERTED, in, () -> {
            String topic = topics.read(in);
            String key = in.text();
            byte[] bytes = in.bytesOrNull();
            return out -> {
                SchemaAndValue data = converter.toConnectHeader(topic, key, bytes);
                out.byteOf(1);
                writer.schema(out, data.schema());
                writer.value(out, data.schema(), data.value());
            };
        });
    }
}
