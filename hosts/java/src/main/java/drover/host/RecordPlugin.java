package drover.host;

import com.fasterxml.jackson.core.JsonProcessingException;
import org.apache.kafka.common.metrics.Monitorable;
import org.apache.kafka.connect.errors.RetriableException;

/**
 * A plugin that is called for each record, asked for many in one frame; its calls come in order. An exception is what
 * became of that item, and the next one follows; behind one that may be tried again none does, as none would in a worker.
 */
abstract class RecordPlugin extends Session {
    static final int FAILED = 2;

    final DataReader reader = new DataReader();
    final DataWriter writer = new DataWriter();
    private final AutoCloseable plugin;

    RecordPlugin(Frames frames, int id, AutoCloseable plugin) {
        super(frames, id, plugin.getClass().getName(), plugin.getClass().getClassLoader());
        this.plugin = plugin;
    }

    final void configure(int call, Work configure) {
        run(call, () -> {
            if (plugin instanceof Monitorable monitorable) monitorable.withPluginMetrics(metrics());
            configure.run();
            frames.send(Frames.RESULT, call, Frames.NULL);
        });
    }

    interface Item {
        /** Writes what became of it: one byte that says what follows, and that. */
        void answer(Out out) throws Exception;
    }

    interface Items {
        /** The next item of the frame, read to its end. */
        Item next();
    }

    final void forEach(int call, int type, In in, Items items) {
        run(call, () -> {
            Out out = Frames.begin(Math.max(256, in.left()));
            boolean goesOn = true;
            while (in.left() > 0) {
                // What is left over is read all the same: it may define schemas.
                Item item = items.next();
                if (goesOn) goesOn = answer(out, item);
            }
            frames.send(type, call, out);
        });
    }

    private boolean answer(Out out, Item item) throws JsonProcessingException {
        int start = out.size();
        try {
            item.answer(out);
            return true;
        } catch (Exception error) {
            if (error instanceof InterruptedException) Thread.currentThread().interrupt();
            if (out.size() > start) {
                out.backTo(start);
                writer.forget();
            }
            out.byteOf(FAILED).bytes(Json.write(Host.describe(error)));
            return !(error instanceof RetriableException);
        }
    }

    final void stop(int call) {
        run(call, () -> {
            try {
                plugin.close();
            } finally {
                close();
            }
            frames.send(Frames.RESULT, call, Frames.NULL);
        });
    }
}
