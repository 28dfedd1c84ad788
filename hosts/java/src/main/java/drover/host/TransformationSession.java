package drover.host;

import java.util.function.Predicate;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.transforms.Transformation;

/** A transformation or a predicate: of each record what it makes of it, or whether it holds. */
final class TransformationSession extends RecordPlugin {
    private static final int DROPPED = 0;
    private static final int RECORD = 1;
    private static final int HOLDS = 3;

    private interface Step {
        void answer(Out out, ConnectRecord<?> record) throws Exception;
    }

    private final Records records = new Records(reader, writer);
    private final Step step;

    private TransformationSession(Frames frames, int id, AutoCloseable plugin, java.util.function.Function<Records, Step> step) {
        super(frames, id, plugin);
        this.step = step.apply(records);
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    static TransformationSession of(Frames frames, int id, Transformation<?> transformation) {
        return new TransformationSession(frames, id, transformation, records -> (out, record) -> {
            ConnectRecord made = ((Transformation) transformation).apply((ConnectRecord) record);
            if (made == null) {
                out.byteOf(DROPPED);
                return;
            }
            out.byteOf(RECORD);
            records.writeRecord(out, made);
        });
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    static TransformationSession of(Frames frames, int id, org.apache.kafka.connect.transforms.predicates.Predicate<?> predicate) {
        Predicate<ConnectRecord<?>> holds = record -> ((org.apache.kafka.connect.transforms.predicates.Predicate) predicate).test((ConnectRecord) record);
        return new TransformationSession(frames, id, predicate, records -> (out, record) -> out.byteOf(holds.test(record) ? HOLDS : DROPPED));
    }

    void apply(int call, In in) {
        Records.Reading reading = records.reading(in);
        boolean sink = in.byteOf() != 0;
        forEach(call, Frames.APPLIED, in, () -> {
            ConnectRecord<?> record = sink ? reading.sink() : reading.source();
            return out -> step.answer(out, record);
        });
    }
}
