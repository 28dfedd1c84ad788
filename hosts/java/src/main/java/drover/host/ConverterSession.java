package drover.host;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.Map;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.storage.Converter;

/** A converter; its calls come in order. */
final class ConverterSession extends Session {
    private final Converter converter;
    private final DataReader reader = new DataReader();
    private final DataWriter writer = new DataWriter();

    ConverterSession(Frames frames, int id, Converter converter) {
        super(frames, id, converter.getClass().getName(), converter.getClass().getClassLoader());
        this.converter = converter;
    }

    void configure(int call, Map<String, String> settings, boolean isKey) {
        run(call, () -> {
            converter.configure(settings, isKey);
            frames.send(Frames.RESULT, call, JsonNodeFactory.instance.nullNode());
        });
    }

    void fromConnect(int call, In in) {
        run(call, () -> {
            String topic = in.text();
            Schema schema = reader.schema(in);
            byte[] bytes = converter.fromConnectData(topic, schema, reader.value(in, schema));
            Out out = Frames.begin(16 + (bytes == null ? 0 : bytes.length));
            if (bytes == null) out.byteOf(0);
            else out.byteOf(1).raw(bytes);
            frames.send(Frames.CONVERTED, call, out);
        });
    }

    void toConnect(int call, In in) {
        run(call, () -> {
            String topic = in.text();
            byte[] bytes = in.byteOf() == 0 ? null : in.bytes();
            SchemaAndValue data = converter.toConnectData(topic, bytes);
            Out out = Frames.begin(256);
            try {
                writer.schema(out, data.schema());
                writer.value(out, data.schema(), data.value());
            } catch (RuntimeException error) {
                writer.forget();
                throw error;
            }
            frames.send(Frames.CONVERTED, call, out);
        });
    }

    void stop(int call) {
        run(call, () -> {
            try {
                converter.close();
            } finally {
                close();
            }
            frames.send(Frames.RESULT, call, JsonNodeFactory.instance.nullNode());
        });
    }
}
